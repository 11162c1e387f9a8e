// What "pointsman/worker" exports on every runtime, types included.

export type { RouterErrorCode } from "../types/error-code.js";
export type { BatchOptions, RouterThread, WorkerLoadOptions } from "../types/thread.js";
export * from "./browser/worker.js";
