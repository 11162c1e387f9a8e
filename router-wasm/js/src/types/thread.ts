import type { LoadOptions } from "./load.js";

/** A thread that runs the module `pointsman/worker-thread`: a page's `Worker`, or one of `node:worker_threads`. */
export interface RouterThread {
  postMessage(message: unknown): void;
}

export interface WorkerLoadOptions extends LoadOptions {
  /**
   * The thread's module, for bundlers that do not find it: the URL (in Node also a path) of the build of
   * `pointsman/worker-thread`, or a thread that already runs it.
   */
  worker?: string | URL | RouterThread;
}

export interface BatchOptions {
  /** Aborts the batch; `routeBatch` rejects with the signal's reason, and the thread stops after its current slice. */
  signal?: AbortSignal;
  /** Called after each slice of inputs. */
  onProgress?: (progress: { done: number; total: number }) => void;
}
