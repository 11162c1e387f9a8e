// A `fetch` for OpenAI's client: in calls for the model "auto" it puts the chosen candidate's name, all
// other calls pass unchanged.

import { chooser, userTexts } from "./lib/adapter.js";
import { describe, RouterError } from "./lib/error.js";
import { checkedCallback } from "./lib/options.js";

export { RouterError };

const CALLER = "routedFetch()";
const ROUTED = /\/(chat\/completions|responses)\/?$/;

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
  const send = (...call) => (given ?? globalThis.fetch)(...call);
  return { choose, names, models, send };
}

/** Reads a call that may be routed: its body, and a function that sends it with another body. Otherwise undefined. */
async function callOf(input, init) {
  const isRequest = typeof Request === "function" && input instanceof Request;
  const method = init?.method ?? (isRequest ? input.method : "GET");
  if (method.toUpperCase() !== "POST" || !ROUTED.test(pathOf(isRequest ? input.url : input))) return undefined;
  const text = init?.body ?? (isRequest ? await input.clone().text() : undefined);
  const body = typeof text === "string" ? objectIn(text) : undefined;
  if (!body) return undefined;
  return {
    body,
    send: (changed, send) => send(input, { ...init, body: changed, ...headersFor(init, changed) }),
  };
}

function pathOf(input) {
  try {
    return new URL(input, "http://relative").pathname;
  } catch {
    return "";
  }
}

function objectIn(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Corrects a content-length that the caller set for the former body. */
function headersFor(init, body) {
  const headers = new Headers(init?.headers);
  if (!headers.has("content-length")) return {};
  headers.set("content-length", String(new TextEncoder().encode(body).length));
  return { headers };
}

/** The texts to rate: from `messages` of a chat completion, or `input` of a response. */
function queryOf({ messages, input }) {
  if (typeof input === "string") return input;
  return userTexts([messages, input].find(Array.isArray) ?? []);
}

/** Answers as the API refuses a request: the client then throws at once, whereas it retries a failed fetch. */
function refusal({ code, message }) {
  const body = { error: { message: `pointsman: ${message}`, type: "invalid_request_error", param: "model", code } };
  const headers = { "content-type": "application/json", "x-should-retry": "false" };
  return new Response(JSON.stringify(body), { status: 400, headers });
}
