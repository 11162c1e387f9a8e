// The public `Router`, on top of the wasm-bindgen bindings. Each host's entry says how the wasm is found
// and a source is read; everything else is the same on all hosts.

import { freeHandle, guarded, RouterHandle } from "./engine.js";
import { RouterError } from "./error.js";
import { loadHandle } from "./load.js";
import { checkedOptions } from "./options.js";
import { checkedInputs, policyJson, requestJson, wellFormed } from "./request.js";

/**
 * The `Router` class of a host.
 * @param host `{wasm(): URL or module; bundle(): URL of the default bundle; url(text): URL;
 *   read?(url, signal): bytes; cache: default number of cached answers; inPairs?: whether 16-bit pairs
 *   make relaxed-simd faster here}`
 */
export function routerFor(host) {
  return class Router {
    #handle;

    constructor(handle) {
      if (!(handle instanceof RouterHandle)) {
        throw new RouterError("argument_source", "a Router is made by await Router.load(source)");
      }
      this.#handle = handle;
    }

    static async load(source, options) {
      return new Router(await loadHandle(source, checkedOptions(options, "Router.load()", host), host));
    }

    route(input, policy) {
      const handle = this.#open();
      const request = requestJson(input, policy);
      return JSON.parse(guarded(() => handle.route(request)));
    }

    routeBatch(inputs, policy) {
      const handle = this.#open();
      checkedInputs(inputs);
      const check = policyJson(policy);
      guarded(() => handle.checkPolicy(check));
      return Array.from(inputs, (input) => {
        try {
          return { decision: this.route(input, policy) };
        } catch (error) {
          if (error instanceof RouterError) return { error };
          throw error;
        }
      });
    }

    embed(query) {
      const handle = this.#open();
      const text = wellFormed(query, "embed()");
      return guarded(() => handle.embed(text));
    }

    info() {
      const handle = this.#open();
      return JSON.parse(guarded(() => handle.info()));
    }

    free() {
      const handle = this.#handle;
      this.#handle = undefined;
      if (handle) freeHandle(handle);
    }

    [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
      this.free();
    }

    #open() {
      if (this.#handle) return this.#handle;
      throw new RouterError("router_freed", "the router was freed: load it again to use it");
    }
  };
}
