export { RouterError } from "./types/error.js";
export type { RouterErrorCode } from "./types/error.js";
export { RouterWorker } from "./types/worker.js";
export type { BatchOptions, RouterThread, WorkerLoadOptions } from "./types/worker.js";
