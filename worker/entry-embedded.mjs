// The Worker with its bundle inside the script, in place of static assets: one hop less for each
// request, one bundle for each deployment. `wrangler.toml` says how to take this one.

import manifest from "../bundles/default/router.json";
import model from "../bundles/default/model.onnx";
import tokenizer from "../bundles/default/tokenizer.json";

import worker from "./entry.mjs";

const FILES = { "/router.json": manifest, "/model.onnx": model, "/tokenizer.json": tokenizer };
const ASSETS = {
  fetch: async (url) => {
    const bytes = FILES[new URL(url).pathname];
    return bytes ? new Response(bytes) : new Response(null, { status: 404 });
  },
};
/** Each environment with the files in it; there is one as long as an isolate lives. */
const environments = new WeakMap();

export { Ledger } from "./ledger.mjs";
export default {
  fetch(request, env, context) {
    if (!environments.has(env)) environments.set(env, Object.create(env, { ASSETS: { value: ASSETS } }));
    return worker.fetch(request, environments.get(env), context);
  },
};
