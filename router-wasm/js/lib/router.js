// The public `Router`, over the wasm-bindgen surface. Each host's entry says how it finds the wasm
// and reads a source; everything else is the same everywhere.

import init, { RouterHandle, multiplyInPairs } from "../pkg/switchyard_router.js";
import { RouterError, describe } from "./error.js";
import { requestJson, wellFormed } from "./request.js";
import { bundleBytes } from "./source.js";

/** Answers that a router may be asked to remember. */
const MOST_CACHED = 100_000;

/** The engine, started once for all routers of a realm. */
let started;
/** The trap that stopped the engine, if one did: its memory cannot be trusted after it. */
let trap;

/**
 * The `Router` class of a host.
 * @param host `{wasm(): module, bytes, URL or Response; url(text): URL; read?(url, signal): bytes;
 *   cache: answers remembered by default; inPairs?: how relaxed-simd is faster here}`
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

    static async load(source, options = {}) {
      if (typeof options !== "object" || options === null) {
        const message = `Router.load()'s options are ${describe(options)}: expected {signal, wasm, cache}`;
        throw new RouterError("argument_options", message);
      }
      const { signal, wasm, cache = host.cache } = options;
      if (!Number.isInteger(cache) || cache < 0 || cache > MOST_CACHED) {
        const message = `option "cache" is ${describe(cache)}: expected a whole number from 0 to ${MOST_CACHED}`;
        throw new RouterError("argument_options", message);
      }
      signal?.throwIfAborted();
      const [bundle] = await Promise.all([
        bundleBytes(source, host, signal).then(hashed),
        start(wasm ?? host.wasm, host.inPairs),
      ]);
      signal?.throwIfAborted();
      return new Router(
        guarded(() => {
          const handle = bundle.tar
            ? RouterHandle.fromTar(bundle.tar)
            : new RouterHandle([...bundle.files.keys()], [...bundle.files.values()], bundle.hashes);
          handle.remember(cache);
          return handle;
        }),
      );
    }

    route(input, policy) {
      const handle = this.#open();
      const request = requestJson(input, policy);
      return JSON.parse(guarded(() => handle.route(request)));
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
      if (handle && !trap) handle.free();
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

/**
 * A bundle with its files' SHA-256, where the host has a hash function of its own (a page outside a
 * secure context has none: the engine then hashes).
 */
async function hashed(bundle) {
  const subtle = globalThis.crypto?.subtle;
  if (bundle.tar || !subtle) return { ...bundle, hashes: [] };
  const hash = async (bytes) => new Uint8Array(await subtle.digest("SHA-256", bytes));
  return { ...bundle, hashes: await Promise.all([...bundle.files.values()].map(hash)) };
}

/** Starts the engine. A failed start is not remembered, so that it can be tried again. */
function start(wasm, inPairs) {
  started ??= (async () => {
    try {
      await init({ module_or_path: await (typeof wasm === "function" ? wasm() : wasm) });
      if (inPairs) multiplyInPairs();
    } catch (cause) {
      started = undefined;
      const message = `the engine's wasm could not be started: ${cause?.message ?? cause}. It needs WebAssembly with SIMD (Chrome 91, Firefox 89, Safari 16.4 or later)`;
      throw new RouterError("wasm_unsupported", message, { cause });
    }
  })();
  return started;
}

/** Calls into wasm; what it throws comes out as a `RouterError`. */
function guarded(call) {
  if (trap) throw stopped();
  try {
    return call();
  } catch (thrown) {
    if (thrown instanceof WebAssembly.RuntimeError || thrown instanceof RangeError) {
      trap = thrown;
      throw stopped();
    }
    if (typeof thrown?.code === "string") throw new RouterError(thrown.code, thrown.message);
    throw thrown;
  }
}

function stopped() {
  const message = `the engine stopped: ${trap.message}. Start a new process, page or Worker; please report it with the query`;
  return new RouterError("engine_stopped", message, { cause: trap });
}
