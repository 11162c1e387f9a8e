export type { RouterErrorCode } from "./types/error.js";
export { RouterError } from "./types/error.js";
export type { BatchOptions, RouterThread, WorkerLoadOptions } from "./types/worker.js";
export { RouterWorker } from "./types/worker.js";
