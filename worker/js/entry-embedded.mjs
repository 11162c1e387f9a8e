// The Worker's main module with the bundle inside the script instead of static assets: requests do
// not pass through Cloudflare's router for assets. wrangler.toml says how to use this module.

import model from "../../bundles/default/model.onnx";
import manifest from "../../bundles/default/router.json";
import tokenizer from "../../bundles/default/tokenizer.json";

import worker from "./entry.mjs";

/** @type {Record<string, ArrayBuffer>} */
const FILES = { "/router.json": manifest, "/model.onnx": model, "/tokenizer.json": tokenizer };
const ASSETS = {
  fetch: async (/** @type {string} */ url) => {
    const bytes = FILES[new URL(url).pathname];
    return bytes ? new Response(bytes) : new Response(null, { status: 404 });
  },
};
/**
 * The environments with ASSETS added, by the original one; an isolate has one.
 * @type {WeakMap<object, object>}
 */
const environments = new WeakMap();

export { Ledger } from "./ledger.mjs";
export default {
  /** @param {Request} request @param {object} env @param {ExecutionContext} context */
  fetch(request, env, context) {
    const known = environments.get(env) ?? Object.create(env, { ASSETS: { value: ASSETS } });
    environments.set(env, known);
    return worker.fetch(request, known, context);
  },
};
