// `RouterWorker`: a router in its own thread, called by messages. Arguments are checked and written as
// JSON on this side, so that only text is sent and errors are thrown in the caller's thread.

import { outcomesJson, priorJson } from "../candidates.js";
import { messageOf } from "../describe.js";
import { moduleOf } from "../engine/wasm.js";
import { RouterError } from "../error.js";
import { FreedByUsing } from "../freed-by-using.js";
import { currentHost } from "../host.js";
import { checkedCallback, checkedObject, checkedOptions, checkedSignal } from "../options.js";
import { checkedInputs, checkedState, policyJson, requestJson, wellFormed } from "../request.js";
import { unlessAborted } from "../unless-aborted.js";
import { threadStarter } from "./start.js";

/** @import { Ability, AbilityPrior, Outcome } from "../types/candidates.js" */
/** @import { BundleInfo, BundleSource } from "../types/bundle.js" */
/** @import { BatchResult, Decision, Policy } from "../types/decision.js" */
/** @import { LoadProgress } from "../types/load.js" */
/** @import { RouteInput } from "../types/query.js" */
/** @import { BatchOptions, WorkerLoadOptions } from "../types/thread.js" */
/** @import { Calls, PlainError, SliceRow, ThreadAnswer, ThreadRequest } from "./messages.js" */
/** @import { Thread } from "./start.js" */

/** A call that waits for its answer. @typedef {{resolve: (value: any) => void, reject: (error: unknown) => void, onProgress?: (progress: LoadProgress) => void}} Waiting */

/** Passed by `load` alone, so that the constructor refuses every other caller. */
const MADE_BY_LOAD = Symbol("made by load");
/** Target time of a batch's slice, in milliseconds: how long the thread may still work after a cancel. */
const SLICE_MS = 50;
const LARGEST_SLICE = 256;

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
export class RouterWorker extends FreedByUsing {
  /** @type {Thread} */
  #thread;
  /** @type {Map<number, Waiting>} */
  #pending = new Map();
  #asked = 0;
  /**
   * The error of every call, once the thread has ended.
   * @type {RouterError | undefined}
   */
  #ended;

  /**
   * @private
   * @param {symbol} key
   * @param {Thread} thread
   */
  constructor(key, thread) {
    super();
    if (key !== MADE_BY_LOAD) {
      throw new RouterError("argument_source", "a RouterWorker is made by await RouterWorker.load(source)");
    }
    this.#thread = thread;
    thread.listen(
      (message) => this.#answered(message),
      (error) => this.#end(error),
    );
  }

  /**
   * Starts a thread and loads a bundle in it, as `Router.load` does. A relative URL or path is resolved in
   * the calling thread. Bytes are copied to the new thread.
   *
   * @param {BundleSource | Promise<BundleSource>} [source]
   * @param {WorkerLoadOptions} [options]
   * @returns {Promise<RouterWorker>}
   * @throws RouterError as `Router.load`; `worker_failed` where the thread does not start;
   * `worker_unsupported` where the host has none.
   */
  static async load(source, options) {
    const start = threadStarter();
    const host = currentHost();
    const checked = checkedOptions(options, "RouterWorker.load()", host);
    const { signal, onProgress, wasm, cache, learnShares, ownCandidates, worker } = checked;
    signal?.throwIfAborted();
    // URLs are resolved and the module is compiled on this side, so that both can be sent to the thread.
    const resolved = Promise.resolve(source).then((given) =>
      typeof given === "string" || given instanceof URL ? host.url(given) : given,
    );
    const module = wasm === undefined ? undefined : moduleOf(wasm, host);
    const [given, compiled] = await unlessAborted(Promise.all([resolved, module]), signal);
    const router = new RouterWorker(MADE_BY_LOAD, start(worker));
    try {
      const request = {
        source: given instanceof URL ? given.href : given,
        wasm: compiled,
        cache,
        learnShares,
        ownCandidates,
        tells: onProgress !== undefined,
      };
      await unlessAborted(router.#ask("load", request, onProgress), signal);
      return router;
    } catch (error) {
      router.free();
      throw error;
    }
  }

  /**
   * Like `Router.route`.
   * @param {RouteInput} input
   * @param {Policy} [policy]
   * @returns {Promise<Decision>}
   * @throws RouterError also `worker_failed`.
   */
  async route(input, policy) {
    return JSON.parse(await this.#ask("route", { request: requestJson(input, policy) }));
  }

  /**
   * Like `Router.routeBatch`, in slices of about 50 ms.
   * @param {readonly RouteInput[]} inputs
   * @param {Policy} [policy]
   * @param {BatchOptions} [options]
   * @returns {Promise<BatchResult[]>}
   * @throws RouterError also `worker_failed`; the signal's reason.
   */
  async routeBatch(inputs, policy, options = {}) {
    checkedInputs(inputs);
    const { signal, onProgress } = checkedObject(options, "routeBatch()", "{signal, onProgress}");
    checkedSignal(signal);
    checkedCallback("onProgress", onProgress);
    await unlessAborted(this.#ask("checkPolicy", { request: policyJson(policy) }), signal);
    /** @type {BatchResult[]} */
    const results = [];
    let size = 1;
    while (results.length < inputs.length) {
      const slice = inputs.slice(results.length, results.length + size);
      const begin = performance.now();
      results.push(...(await unlessAborted(this.#routeSlice(slice, policy), signal)));
      onProgress?.({ done: results.length, total: inputs.length });
      size = performance.now() - begin > SLICE_MS ? Math.max(1, size >> 1) : Math.min(LARGEST_SLICE, size * 2);
    }
    return results;
  }

  /**
   * Like `Router.embed`.
   * @param {string} query
   * @returns {Promise<Float32Array>}
   * @throws RouterError also `worker_failed`.
   */
  async embed(query) {
    return this.#ask("embed", { query: wellFormed(query, "embed()") });
  }

  /**
   * Like `Router.demands`.
   * @param {string} query
   * @returns {Promise<Float64Array>}
   * @throws RouterError also `worker_failed`.
   */
  async demands(query) {
    return this.#ask("demands", { query: wellFormed(query, "demands()") });
  }

  /**
   * Like `Router.fitAbility`.
   * @param {readonly Outcome[]} outcomes
   * @param {AbilityPrior} [prior]
   * @returns {Promise<Ability>}
   * @throws RouterError also `worker_failed`.
   */
  async fitAbility(outcomes, prior = {}) {
    const request = { outcomes: outcomesJson(outcomes), prior: priorJson(prior) };
    return JSON.parse(await this.#ask("fitAbility", request));
  }

  /**
   * Like `Router.trafficState`.
   * @returns {Promise<string | undefined>}
   * @throws RouterError also `worker_failed`.
   */
  async trafficState() {
    return this.#ask("trafficState", {});
  }

  /**
   * Like `Router.addTraffic`.
   * @param {string} state
   * @returns {Promise<void>}
   * @throws RouterError also `worker_failed`.
   */
  async addTraffic(state) {
    await this.#ask("addTraffic", { state: checkedState(state) });
  }

  /**
   * Like `Router.info`.
   * @returns {Promise<BundleInfo>}
   * @throws RouterError also `worker_failed`.
   */
  async info() {
    return JSON.parse(await this.#ask("info", {}));
  }

  /**
   * Ends the thread. Pending and later calls reject with `router_freed`.
   * @returns {void}
   */
  free() {
    this.#end(new RouterError("router_freed", "the router was freed: load it again to use it"));
  }

  /**
   * @param {readonly RouteInput[]} inputs
   * @param {Policy} [policy]
   * @returns {Promise<BatchResult[]>}
   */
  async #routeSlice(inputs, policy) {
    /** @type {({request: string} | {error: any})[]} */
    const rows = Array.from(inputs, (input) => {
      try {
        return { request: requestJson(input, policy) };
      } catch (error) {
        return { error };
      }
    });
    const requests = rows.flatMap((row) => ("request" in row ? row.request : []));
    const answers = (await this.#ask("routeSlice", { requests })).values();
    return rows.map((row) => {
      if ("error" in row) return { error: row.error };
      const { decision, error } = /** @type {SliceRow} */ (answers.next().value);
      return error ? { error: revived(error) } : { decision: JSON.parse(decision) };
    });
  }

  /**
   * @template {keyof Calls} Call
   * @param {Call} call
   * @param {Calls[Call]["request"]} request
   * @param {(progress: LoadProgress) => void} [onProgress]
   * @returns {Promise<Calls[Call]["answer"]>}
   */
  #ask(call, request, onProgress) {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#asked += 1;
      post(this.#thread, /** @type {ThreadRequest} */ ({ id: this.#asked, call, ...request }));
      this.#pending.set(this.#asked, { resolve, reject, onProgress });
      this.#thread.hold(true);
    });
  }

  /** @param {ThreadAnswer} answer */
  #answered({ id, value, error, progress }) {
    const waiting = this.#pending.get(id);
    if (!waiting) return;
    if (progress) {
      try {
        waiting.onProgress?.(progress);
      } catch (thrown) {
        waiting.reject(thrown);
      }
      return;
    }
    this.#pending.delete(id);
    this.#thread.hold(this.#pending.size > 0);
    if (error) waiting.reject(revived(error));
    else waiting.resolve(value);
  }

  /**
   * Ends the thread. Only the first reason is kept.
   * @param {RouterError} error
   */
  #end(error) {
    if (this.#ended) return;
    this.#ended = error;
    this.#thread.end();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/**
 * @param {Thread} thread
 * @param {ThreadRequest} request
 */
function post(thread, request) {
  try {
    thread.post(request);
  } catch (cause) {
    // Only the bundle's source comes from the caller.
    const message = `RouterWorker.load() was given a source that cannot be sent to a thread: ${messageOf(cause)}`;
    throw new RouterError("argument_source", message, { cause });
  }
}

/** @param {PlainError} error */
function revived({ code, message }) {
  return new RouterError(code, message);
}
