// Asks an upstream whether it is reachable and takes its key, with requests that cost nothing.

import { messageOf } from "./error.mjs";
import { nearest } from "./nearest.mjs";

/** @import { Upstream } from "./config.mjs" */

/** @typedef {{ok: boolean, text: string}} Finding */

const LIMIT_MS = 10_000;
const ANTHROPIC_VERSION = "2023-06-01";
/** The endpoint that refuses an empty body, after it has checked the key. */
const CALLED = { openai: "chat/completions", anthropic: "messages" };

/**
 * @param {string} name
 * @param {Upstream} upstream
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Finding>}
 */
export async function checkUpstream(name, upstream, env) {
  const { baseUrl, keySecret, model = name } = upstream;
  const key = keySecret === undefined ? undefined : env[keySecret];
  if (keySecret !== undefined && !key) return { ok: false, text: `${keySecret} is not set: export it (key_missing)` };
  if (typeof baseUrl !== "string") return { ok: false, text: "baseUrl is missing: write the API's root" };
  const api = upstream.api === "anthropic" ? "anthropic" : "openai";
  const url = (/** @type {string} */ path) => `${baseUrl.replace(/\/+$/, "")}/${path}`;
  const headers = headersOf(api, key, upstream.headers);
  try {
    const listed = await fetch(url("models"), { headers, signal: AbortSignal.timeout(LIMIT_MS) });
    const refused = refusal(listed.status, baseUrl, keySecret);
    if (refused) return refused;
    if (listed.ok) return modelIn(await listed.json().catch(() => undefined), model, baseUrl);
    const called = await fetch(url(CALLED[api]), {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: "{}",
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const text = `reachable, has no list of models (status ${listed.status}); an empty request got ${called.status}`;
    const wrong = [400, 422].includes(called.status) ? undefined : `${text}: expected 400. Check baseUrl ${baseUrl}`;
    return refusal(called.status, baseUrl, keySecret) ?? { ok: wrong === undefined, text: wrong ?? text };
  } catch (error) {
    const cause = error instanceof Error && error.cause ? `: ${messageOf(error.cause)}` : "";
    const text = `${baseUrl} is not reachable (${messageOf(error)}${cause}): check baseUrl and the network`;
    return { ok: false, text };
  }
}

/** @param {"openai" | "anthropic"} api @param {string | undefined} key @param {unknown} more @returns {Record<string, string>} */
function headersOf(api, key, more) {
  const stated = /** @type {Record<string, string>} */ (more ?? {});
  if (api === "anthropic")
    return { "anthropic-version": ANTHROPIC_VERSION, ...(key ? { "x-api-key": key } : {}), ...stated };
  return { ...(key ? { authorization: `Bearer ${key}` } : {}), ...stated };
}

/** @param {number} status @param {string} baseUrl @param {string | undefined} variable @returns {Finding | undefined} */
function refusal(status, baseUrl, variable) {
  if (status !== 401 && status !== 403) return undefined;
  const which = variable ? `the key in ${variable} is wrong or may not do this` : "it needs a key: set keySecret";
  return { ok: false, text: `${baseUrl} answers ${status}: ${which}` };
}

/** @param {any} list @param {string} model @param {string} baseUrl @returns {Finding} */
function modelIn(list, model, baseUrl) {
  const data = Array.isArray(list?.data) ? list.data : [];
  const ids = data.flatMap((/** @type {any} */ one) => (typeof one?.id === "string" ? [one.id] : []));
  // Google's ids begin with a folder.
  const served = ids.includes(model) || ids.includes(`models/${model}`);
  if (served || ids.length === 0)
    return { ok: true, text: `${baseUrl} takes the key${served ? ` and lists ${model}` : ""}` };
  if (list.has_more === true)
    return { ok: true, text: `${baseUrl} takes the key; ${model} is not among its first models` };
  const near = nearest(model, ids);
  const some = ids.slice(0, 10).join(", ");
  const remedy = near ? `did you mean ${near}?` : `expected one of ${some}${ids.length > 10 ? " and others" : ""}`;
  return { ok: false, text: `${baseUrl} takes the key, but does not list the model ${model}: ${remedy}` };
}
