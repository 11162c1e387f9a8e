// Checks the options of `load` and of batches.

import { candidatesJson } from "./candidates.js";
import { describe } from "./describe.js";
import { RouterError } from "./error.js";

/** @import { Host } from "./host.js" */
/** @import { OwnCandidate } from "./types/candidates.js" */
/** @import { LoadOptions } from "./types/load.js" */

/** The largest cache, in answers. */
const MOST_CACHED = 100_000;

/**
 * The checked options of a `load`, with the host's defaults.
 * @template {{signal?: AbortSignal, onProgress?: Function, cache?: number, learnShares?: LoadOptions["learnShares"],
 *   candidates?: readonly OwnCandidate[], strong?: string, weak?: string}} Options
 * @param {Options | undefined} options
 * @param {string} caller
 * @param {Host} host
 * @returns {Options & {cache: number, ownCandidates?: string}} `ownCandidates` as the engine's JSON
 */
export function checkedOptions(options, caller, host) {
  const given = options === undefined ? /** @type {Options} */ ({}) : options;
  const expected = "{signal, onProgress, wasm, cache, learnShares, candidates, strong, weak}";
  const { signal, onProgress, cache = host.cache, learnShares } = checkedObject(given, caller, expected);
  if (!Number.isInteger(cache) || cache < 0 || cache > MOST_CACHED) {
    const message = `option "cache" is ${describe(cache)}: expected a whole number from 0 to ${MOST_CACHED}`;
    throw new RouterError("argument_options", message);
  }
  checkedSignal(signal);
  checkedCallback("onProgress", onProgress);
  checkedLearning(learnShares);
  return { ...given, cache, ownCandidates: candidatesJson(given) };
}

/** @param {LoadOptions["learnShares"]} learnShares */
function checkedLearning(learnShares) {
  if (learnShares === undefined || typeof learnShares === "boolean") return;
  const state = typeof learnShares === "object" ? learnShares?.state : undefined;
  if (typeof state === "string") return;
  const found = learnShares ? `an object whose state is ${describe(state)}` : describe(learnShares);
  const message = `option "learnShares" is ${found}: expected true, false or {state} with a text of trafficState()`;
  throw new RouterError("argument_options", message);
}

/**
 * @template Options
 * @param {Options} options
 * @param {string} caller
 * @param {string} expected
 * @returns {Options & object}
 */
export function checkedObject(options, caller, expected) {
  if (typeof options === "object" && options !== null) return options;
  throw new RouterError("argument_options", `${caller}'s options are ${describe(options)}: expected ${expected}`);
}

/** @param {AbortSignal | undefined} signal */
export function checkedSignal(signal) {
  if (signal === undefined || typeof signal?.throwIfAborted === "function") return;
  throw new RouterError("argument_options", `option "signal" is ${describe(signal)}: expected an AbortSignal`);
}

/**
 * @param {string} name
 * @param {unknown} callback
 */
export function checkedCallback(name, callback) {
  if (callback === undefined || typeof callback === "function") return;
  throw new RouterError("argument_options", `option "${name}" is ${describe(callback)}: expected a function`);
}
