// Turns JavaScript arguments into the engine's JSON request. Checks only what JSON would hide: wrong
// types, NaN (which JSON turns into null) and lone surrogates; the engine checks the rest.

import { describe, messageOf } from "./describe.js";
import { RouterError } from "./error.js";

/** @import { Policy } from "./types/decision.js" */
/** @import { RouteInput } from "./types/query.js" */

const NUMBERS = /** @type {const} */ ([
  "threshold",
  "strongShare",
  "maxCost",
  "costWeight",
  "outputTokens",
  "inputTokens",
  "turnDecay",
]);

/** What `String.prototype.isWellFormed` looks for, which browsers have only since 2023. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The JSON request of `route(input, policy)`.
 * @param {RouteInput} input
 * @param {Policy} [policy]
 */
export function requestJson(input, policy) {
  const request = { ...queryOrMessages(input), policy: checkedPolicy(policy) };
  try {
    return JSON.stringify(request);
  } catch (cause) {
    const message = `messages cannot be written as JSON: ${messageOf(cause)}. Pass plain objects`;
    throw new RouterError("argument_messages", message, { cause });
  }
}

/**
 * A JSON request whose policy is to be checked; its query is never routed.
 * @param {Policy} [policy]
 */
export function policyJson(policy) {
  return JSON.stringify({ query: "policy", policy: checkedPolicy(policy) });
}

/**
 * Checks that a batch is a list; each input is checked when it is routed.
 * @param {readonly RouteInput[]} inputs
 */
export function checkedInputs(inputs) {
  if (Array.isArray(inputs)) return;
  const message = `routeBatch() was given ${describe(inputs)}: expected a list of queries or conversations`;
  throw new RouterError("argument_inputs", message);
}

/**
 * Returns a state of the traffic if it is a text.
 * @param {unknown} state
 */
export function checkedState(state) {
  if (typeof state === "string") return state;
  const message = `addTraffic() was given ${describe(state)}: expected a text of trafficState()`;
  throw new RouterError("argument_state", message);
}

/**
 * Returns `query` if it passes into wasm unchanged, and throws otherwise.
 * @param {unknown} query
 * @param {string} caller
 */
export function wellFormed(query, caller) {
  if (typeof query !== "string") {
    const message = `${caller} was given ${describe(query)}: expected a string`;
    throw new RouterError("argument_query", message);
  }
  if (LONE_SURROGATE.test(query)) {
    const message =
      "query is not well-formed text: it holds a lone surrogate. Remove it, or use String.prototype.toWellFormed()";
    throw new RouterError("query_ill_formed", message);
  }
  return query;
}

/** @param {unknown} input */
function queryOrMessages(input) {
  if (typeof input === "string") return { query: wellFormed(input, "route()") };
  if (Array.isArray(input)) return { messages: input };
  if (!isPlain(input)) {
    const message = `route() was given ${describe(input)}: expected a string, a list of messages, {query} or {messages}`;
    throw new RouterError("argument_query", message);
  }
  const { query, messages, ...rest } = input;
  const unknown = Object.keys(rest);
  if (unknown.length > 0) {
    const message = `route() was given an object with ${unknown.join(", ")}: expected {query} or {messages}; the policy is the second argument`;
    throw new RouterError("argument_query", message);
  }
  if ((query === undefined) === (messages === undefined)) {
    const message = `route() was given an object with ${query === undefined ? "neither" : "both"} of query and messages: expected one of them`;
    throw new RouterError("argument_query", message);
  }
  if (query !== undefined) return { query: wellFormed(query, "route()") };
  if (Array.isArray(messages)) return { messages };
  const message = `messages is ${describe(messages)}: expected a list of {role, content}`;
  throw new RouterError("argument_messages", message);
}

/** @param {Policy | undefined} policy */
function checkedPolicy(policy) {
  if (policy === undefined) return undefined;
  if (!isPlain(policy)) {
    const message = `the policy is ${describe(policy)}: expected an object such as {strongShare: 0.3}`;
    throw new RouterError("argument_policy", message);
  }
  for (const field of NUMBERS) {
    const value = policy[field];
    if (value === undefined || value === null) continue;
    if (typeof value !== "number") {
      const message = `policy field "${field}" is ${describe(value)}: expected a number`;
      throw new RouterError("argument_policy", message);
    }
    if (!Number.isFinite(value)) {
      const message = `policy field "${field}" is ${value}: expected a finite number`;
      throw new RouterError("policy_out_of_range", message);
    }
  }
  checkedShares(policy.shares);
  const { candidates } = policy;
  const named =
    candidates === undefined ||
    candidates === null ||
    (Array.isArray(candidates) && candidates.every((name) => typeof name === "string"));
  if (!named) {
    const message = `policy field "candidates" is ${describe(candidates)}: expected a list of candidate names`;
    throw new RouterError("argument_policy", message);
  }
  return policy;
}

/** @param {unknown} shares */
function checkedShares(shares) {
  if (shares === undefined || shares === null) return;
  if (!isPlain(shares)) {
    const message = `policy field "shares" is ${describe(shares)}: expected an object such as {small: 0.7, large: 0.3}`;
    throw new RouterError("argument_policy", message);
  }
  for (const [name, share] of Object.entries(shares)) {
    if (typeof share === "number" && Number.isFinite(share)) continue;
    const message = `policy field "shares" has ${describe(share)} for ${JSON.stringify(name)}: expected a number in [0, 1]`;
    throw new RouterError("argument_policy", message);
  }
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isPlain(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
