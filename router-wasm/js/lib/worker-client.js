// `RouterWorker`: a router in its own thread, called by messages. Arguments are checked and written as
// JSON on this side, so that only text is sent and errors are thrown in the caller's thread.

import { RouterError } from "./error.js";
import { checkedCallback, checkedObject, checkedOptions, checkedSignal } from "./options.js";
import { checkedInputs, policyJson, requestJson, wellFormed } from "./request.js";
import { unlessAborted } from "./unless-aborted.js";
import { moduleOf } from "./wasm.js";

/** Passed by `load` alone, so that the constructor refuses every other caller. */
const MADE_BY_LOAD = Symbol("made by load");
/** Target time of a batch's slice, in milliseconds: how long the thread may still work after a cancel. */
const SLICE_MS = 50;
const LARGEST_SLICE = 256;

/**
 * The `RouterWorker` class of a host.
 * @param host as `routerFor` takes it, and `open(worker?)`: a thread started for option "worker", as
 *   `{post(message), listen(onMessage, onFailure), hold(busy), end()}`
 */
export function routerWorkerFor(host) {
  return class RouterWorker {
    #thread;
    #pending = new Map();
    #asked = 0;
    /** The error of every call, once the thread has ended. */
    #ended;

    constructor(key, thread) {
      if (key !== MADE_BY_LOAD) {
        throw new RouterError("argument_source", "a RouterWorker is made by await RouterWorker.load(source)");
      }
      this.#thread = thread;
      thread.listen(
        (message) => this.#answered(message),
        (error) => this.#end(error),
      );
    }

    static async load(source, options) {
      const { signal, onProgress, wasm, cache, worker } = checkedOptions(options, "RouterWorker.load()", host);
      signal?.throwIfAborted();
      // URLs are resolved and the module is compiled on this side, so that both can be sent to the thread.
      const resolved = typeof source === "string" || source instanceof URL ? host.url(source) : source;
      const module = wasm === undefined ? undefined : moduleOf(wasm, host);
      const [given, compiled] = await unlessAborted(Promise.all([resolved, module]), signal);
      const router = new RouterWorker(MADE_BY_LOAD, host.open(worker));
      try {
        const request = {
          source: given instanceof URL ? given.href : given,
          wasm: compiled,
          cache,
          tells: onProgress !== undefined,
        };
        await unlessAborted(router.#ask("load", request, onProgress), signal);
        return router;
      } catch (error) {
        router.free();
        throw error;
      }
    }

    async route(input, policy) {
      return JSON.parse(await this.#ask("route", { request: requestJson(input, policy) }));
    }

    async routeBatch(inputs, policy, options = {}) {
      checkedInputs(inputs);
      const { signal, onProgress } = checkedObject(options, "routeBatch()", "{signal, onProgress}");
      checkedSignal(signal);
      checkedCallback("onProgress", onProgress);
      await unlessAborted(this.#ask("checkPolicy", { request: policyJson(policy) }), signal);
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

    async embed(query) {
      return this.#ask("embed", { query: wellFormed(query, "embed()") });
    }

    async info() {
      return JSON.parse(await this.#ask("info", {}));
    }

    free() {
      this.#end(new RouterError("router_freed", "the router was freed: load it again to use it"));
    }

    [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
      this.free();
    }

    async #routeSlice(inputs, policy) {
      const rows = Array.from(inputs, (input) => {
        try {
          return { request: requestJson(input, policy) };
        } catch (error) {
          return { error };
        }
      });
      const requests = rows.flatMap(({ request }) => request ?? []);
      const answers = (await this.#ask("routeSlice", { requests })).values();
      return rows.map(({ error }) => {
        if (error) return { error };
        const answer = answers.next().value;
        return answer.error ? { error: revived(answer.error) } : { decision: JSON.parse(answer.decision) };
      });
    }

    #ask(call, request, onProgress) {
      if (this.#ended) return Promise.reject(this.#ended);
      return new Promise((resolve, reject) => {
        this.#asked += 1;
        post(this.#thread, { id: this.#asked, call, ...request });
        this.#pending.set(this.#asked, { resolve, reject, onProgress });
        this.#thread.hold(true);
      });
    }

    #answered({ id, value, error, progress }) {
      const waiting = this.#pending.get(id);
      if (!waiting) return;
      if (progress) {
        try {
          waiting.onProgress(progress);
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

    /** Ends the thread. Only the first reason is kept. */
    #end(error) {
      if (this.#ended) return;
      this.#ended = error;
      this.#thread.end();
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
    }
  };
}

function post(thread, message) {
  try {
    thread.post(message);
  } catch (cause) {
    // Only the bundle's source comes from the caller.
    const message = `RouterWorker.load() was given a source that cannot be sent to a thread: ${cause.message}`;
    throw new RouterError("argument_source", message, { cause });
  }
}

function revived({ code, message }) {
  return new RouterError(code, message);
}
