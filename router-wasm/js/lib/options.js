// Checks the options of `load` and of batches.

import { describe, RouterError } from "./error.js";

/** The largest cache, in answers. */
const MOST_CACHED = 100_000;

/** The checked options of a `load`, with the host's defaults. */
export function checkedOptions(options = {}, caller, host) {
  const {
    signal,
    onProgress,
    cache = host.cache,
  } = checkedObject(options, caller, "{signal, onProgress, wasm, cache}");
  if (!Number.isInteger(cache) || cache < 0 || cache > MOST_CACHED) {
    const message = `option "cache" is ${describe(cache)}: expected a whole number from 0 to ${MOST_CACHED}`;
    throw new RouterError("argument_options", message);
  }
  checkedSignal(signal);
  checkedCallback("onProgress", onProgress);
  return { ...options, cache };
}

export function checkedObject(options, caller, expected) {
  if (typeof options === "object" && options !== null) return options;
  throw new RouterError("argument_options", `${caller}'s options are ${describe(options)}: expected ${expected}`);
}

export function checkedSignal(signal) {
  if (signal === undefined || typeof signal?.throwIfAborted === "function") return;
  throw new RouterError("argument_options", `option "signal" is ${describe(signal)}: expected an AbortSignal`);
}

export function checkedCallback(name, callback) {
  if (callback === undefined || typeof callback === "function") return;
  throw new RouterError("argument_options", `option "${name}" is ${describe(callback)}: expected a function`);
}
