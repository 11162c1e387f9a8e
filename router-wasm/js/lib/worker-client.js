// `RouterWorker`: a router in a thread of its own, asked by messages. What is asked is checked and
// written as JSON on this side, so that only text crosses and a fault is found where it was made.

import { RouterError } from "./error.js";
import { checkedCallback, checkedObject, checkedOptions, checkedSignal } from "./options.js";
import { checkedInputs, policyJson, requestJson, wellFormed } from "./request.js";
import { unlessAborted } from "./unless-aborted.js";
import { moduleOf } from "./wasm.js";

/** Only `load` has it: a RouterWorker is not made by hand. */
const MADE_BY_LOAD = Symbol("made by load");
/** Milliseconds that a slice of a batch should take at most: how soon a cancel lets the thread rest. */
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
    /** Why nothing can be asked any more, as an error. */
    #ended;

    constructor(key, thread) {
      if (key !== MADE_BY_LOAD) {
        throw new RouterError("argument_source", "a RouterWorker is made by await RouterWorker.load(source)");
      }
      this.#thread = thread;
      thread.listen((message) => this.#answered(message), (error) => this.#end(error));
    }

    static async load(source, options) {
      const { signal, onProgress, wasm, cache, worker } = checkedOptions(options, "RouterWorker.load()", host);
      signal?.throwIfAborted();
      // Both in a form that crosses: addresses are resolved, and the module compiled, on this side.
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

    /** The first reason stands. */
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
    // Everything but a bundle's source was made here.
    const message = `RouterWorker.load() was given a source that cannot be sent to a thread: ${cause.message}`;
    throw new RouterError("argument_source", message, { cause });
  }
}

function revived({ code, message }) {
  return new RouterError(code, message);
}
