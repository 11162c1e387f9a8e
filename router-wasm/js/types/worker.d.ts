import type { BundleInfo, BundleSource } from "./bundle.js";
import type { BatchResult, Decision, Policy } from "./decision.js";
import type { FreedByUsing } from "./disposable.js";
import type { RouteInput } from "./query.js";
import type { LoadOptions } from "./router.js";

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

/**
 * A router in its own thread, so that a page stays responsive and a server's event loop free.
 *
 * Each RouterWorker has its own thread and engine. In Node, an idle thread does not keep the process
 * alive; `free()` ends a thread at once.
 *
 * @example
 * ```js
 * import { RouterWorker } from "pointsman/worker";
 *
 * const router = await RouterWorker.load();
 * const rows = await router.routeBatch(queries, { strongShare: 0.3 }, { onProgress: console.log });
 * router.free();
 * ```
 */
export declare class RouterWorker {
  private constructor();

  /**
   * Starts a thread and loads a bundle in it, as `Router.load` does. A relative URL or path is resolved in
   * the calling thread. Bytes are copied to the new thread.
   *
   * @throws RouterError as `Router.load`; `worker_failed` where the thread does not start;
   * `worker_unsupported` where the host has none.
   */
  static load(source?: BundleSource, options?: WorkerLoadOptions): Promise<RouterWorker>;

  /** Like `Router.route`. @throws RouterError also `worker_failed`. */
  route(input: RouteInput, policy?: Policy): Promise<Decision>;

  /** Like `Router.routeBatch`, in slices of about 50 ms. @throws RouterError also `worker_failed`; the signal's reason. */
  routeBatch(inputs: readonly RouteInput[], policy?: Policy, options?: BatchOptions): Promise<BatchResult[]>;

  /** Like `Router.embed`. @throws RouterError also `worker_failed`. */
  embed(query: string): Promise<Float32Array>;

  /** Like `Router.info`. @throws RouterError also `worker_failed`. */
  info(): Promise<BundleInfo>;

  /** Ends the thread. Pending and later calls reject with `router_freed`. */
  free(): void;
}
export interface RouterWorker extends FreedByUsing {}
