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
   * Where the thread's module is, for bundlers that do not find it: the URL (in Node also a path) of what
   * was built of `pointsman/worker-thread`, or a thread that already runs it.
   */
  worker?: string | URL | RouterThread;
}

export interface BatchOptions {
  /** Gives the batch up; `routeBatch` rejects with the signal's reason, and the thread rests after its current slice. */
  signal?: AbortSignal;
  /** Hears of each slice of inputs that was decided. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/**
 * A router in a thread of its own, so that a page stays responsive and a server's event loop free.
 *
 * Each RouterWorker has its own thread and engine. In Node a process whose threads have nothing to do
 * may end; `free()` ends a thread at once.
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
   * Starts a thread, in which a bundle is loaded as by `Router.load`. A relative URL or path is resolved
   * on this side. Bytes are copied to the thread.
   *
   * @throws RouterError as `Router.load`; `worker_failed` where the thread does not start;
   * `worker_unsupported` where the host has none.
   */
  static load(source?: BundleSource, options?: WorkerLoadOptions): Promise<RouterWorker>;

  /** As `Router.route`. @throws RouterError also `worker_failed`. */
  route(input: RouteInput, policy?: Policy): Promise<Decision>;

  /** As `Router.routeBatch`, in slices of about 50 ms. @throws RouterError also `worker_failed`; the signal's reason. */
  routeBatch(inputs: readonly RouteInput[], policy?: Policy, options?: BatchOptions): Promise<BatchResult[]>;

  /** As `Router.embed`. @throws RouterError also `worker_failed`. */
  embed(query: string): Promise<Float32Array>;

  /** As `Router.info`. @throws RouterError also `worker_failed`. */
  info(): Promise<BundleInfo>;

  /** Ends the thread. What is pending, and whatever is asked later, is `router_freed`. */
  free(): void;
}
export interface RouterWorker extends FreedByUsing {}
