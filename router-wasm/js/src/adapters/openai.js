// A `fetch` for OpenAI's client: in calls for the model "auto" it puts the chosen candidate's name, all
// other calls pass unchanged.

import { describe } from "../describe.js";
import { RouterError } from "../error.js";
import { checkedCallback } from "../options.js";
import { chooser, userTexts } from "./chooser.js";

/** @import { AnyRouter } from "../types/adapter.js" */
/** @import { Fetch, RoutedFetchOptions } from "../types/openai.js" */

/** A request's JSON object. @typedef {Record<string, any>} Body */

export { RouterError };

const CALLER = "routedFetch()";
const ROUTED = /\/(chat\/completions|responses)\/?$/;

/**
 * A `fetch` for OpenAI's client: in a POST to `.../chat/completions` or `.../responses` whose `model`
 * is one of `names`, it replaces `model` by the chosen candidate. Everything else passes unchanged:
 * other models and endpoints, headers, signals, streams.
 *
 * The texts of user messages are rated, from `messages` or from `input`, which may also be a text.
 * Turns that only the API stores (`previous_response_id`) are not seen.
 *
 * A query that the router refuses is answered with status 400 and the code of the `RouterError`, as the
 * API refuses a request: the client throws at once, and its error has that `code`.
 *
 * @param {AnyRouter} router
 * @param {RoutedFetchOptions} [options]
 * @returns {Fetch}
 * @throws RouterError `argument_router`, `argument_models`, `argument_options`, `argument_policy`, any
 * `policy_*`. With a RouterWorker, the first call fails with the errors that need the bundle.
 *
 * @example
 * ```js
 * const client = new OpenAI({ fetch: routedFetch(router, { policy: { strongShare: 0.3 } }) });
 * await client.chat.completions.create({ model: "auto", messages });
 * ```
 */
export function routedFetch(router, options = {}) {
  const { choose, names, models, send } = checked(router, options);
  return async (input, init) => {
    const call = await callOf(input, init);
    if (!call || !names.includes(call.body.model)) return send(input, init);
    let chosen;
    try {
      chosen = await choose(queryOf(call.body));
    } catch (error) {
      if (error instanceof RouterError) return refusal(error);
      throw error;
    }
    const body = JSON.stringify({ ...call.body, model: models[chosen.model] ?? chosen.model });
    return call.send(body, send);
  };
}

/**
 * @param {AnyRouter} router
 * @param {RoutedFetchOptions} options
 */
function checked(router, options) {
  const choose = chooser(router, options, { caller: CALLER, every: false });
  const { names = ["auto"], models = {}, fetch: given } = options;
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) {
    const message = `option "names" of ${CALLER} is ${describe(names)}: expected a list of model names such as ["auto"]`;
    throw new RouterError("argument_options", message);
  }
  for (const [id, name] of Object.entries(models)) {
    if (typeof name === "string") continue;
    const message = `${CALLER}: models["${id}"] is ${describe(name)}: expected the model's name at the upstream`;
    throw new RouterError("argument_models", message);
  }
  checkedCallback("fetch", given);
  // Looked up at each call, so that a fetch that is replaced later is the one called.
  /** @type {Fetch} */
  const send = (...call) => (given ?? globalThis.fetch)(...call);
  return { choose, names, models, send };
}

/**
 * Reads a call that may be routed: its body, and a function that sends it with another body. Otherwise undefined.
 * @param {string | URL | Request} input
 * @param {RequestInit} [init]
 */
async function callOf(input, init) {
  const request = typeof Request === "function" && input instanceof Request ? input : undefined;
  const method = init?.method ?? request?.method ?? "GET";
  if (method.toUpperCase() !== "POST" || !ROUTED.test(pathOf(request?.url ?? String(input)))) return undefined;
  const text = init?.body ?? (await request?.clone().text());
  const body = typeof text === "string" ? objectIn(text) : undefined;
  if (!body) return undefined;
  return {
    body,
    send: (/** @type {string} */ changed, /** @type {Fetch} */ send) =>
      send(input, { ...init, body: changed, ...headersFor(init, changed) }),
  };
}

/** @param {string} input */
function pathOf(input) {
  try {
    return new URL(input, "http://relative").pathname;
  } catch {
    return "";
  }
}

/**
 * @param {string} text
 * @returns {Body | undefined}
 */
function objectIn(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Corrects a content-length that the caller set for the former body.
 * @param {RequestInit | undefined} init
 * @param {string} body
 */
function headersFor(init, body) {
  const headers = new Headers(init?.headers);
  if (!headers.has("content-length")) return {};
  headers.set("content-length", String(new TextEncoder().encode(body).length));
  return { headers };
}

/**
 * The texts to rate: from `messages` of a chat completion, or `input` of a response.
 * @param {Body} body
 */
function queryOf({ messages, input }) {
  if (typeof input === "string") return input;
  return userTexts([messages, input].find(Array.isArray) ?? []);
}

/**
 * Answers as the API refuses a request: the client then throws at once, whereas it retries a failed fetch.
 * @param {RouterError} error
 */
function refusal({ code, message }) {
  const body = { error: { message: `pointsman: ${message}`, type: "invalid_request_error", param: "model", code } };
  const headers = { "content-type": "application/json", "x-should-retry": "false" };
  return new Response(JSON.stringify(body), { status: 400, headers });
}
