// Serves what measured pages fetch: both engines' packages, a bundle for each, and an empty page to start
// from.

/** @import { Root } from "../../../web/serve.mjs" */
/** @import { Entry } from "../../job.mjs" */
/** @import { Place } from "../../peers/transformers.mjs" */

import { dirname, join } from "node:path";

import { ROOT } from "../../../tests/hosts/paths.mjs";
import { serveFolders } from "../../../web/serve.mjs";
import { transformersFolder } from "../../peers/transformers-folder.mjs";
import { PEERS } from "../../script.mjs";
import { PEER_WASM } from "../../wasm-files.mjs";

/** @type {Root[]} */
const ROOTS = [
  ["/package/", join(ROOT, "router-wasm/js")],
  ["/onnx-runtime/", dirname(join(ROOT, PEER_WASM))],
  ["/tokenizers/", join(ROOT, PEERS, "@huggingface/tokenizers/dist")],
  ["/transformers/", join(ROOT, PEERS, "@huggingface/transformers/dist")],
  // transformers.js brings its own onnxruntime-web.
  ["/transformers-onnx-runtime/", join(ROOT, PEERS, "onnxruntime-web/dist")],
  ["/bench/", join(ROOT, "bench")],
];
/** These headers isolate a page; its clock then has steps of 5 microseconds instead of 100. */
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};
const EMPTY = "bench/hosts/chromium/empty.html";

/**
 * @typedef {{empty: string, place: Place, close: () => Promise<void>}} ServedJob the empty page's address, and where
 *   transformers.js finds its model
 *
 * @param {Pick<Entry, "bundle" | "models">} job
 * @param {Record<string, string>} headers of every file
 * @returns {Promise<ServedJob>}
 */
export async function serveJob(job, headers = {}) {
  const folder = transformersFolder(job);
  /** @type {Root[]} */
  const own = [
    ...Object.entries(job.models).map(([name, path]) => /** @type {Root} */ ([`/models/${name}/`, dirname(path)])),
    ["/bundle/", job.bundle],
    ["/transformers-models/", folder.models],
  ];
  const server = await serveFolders([...own, ...ROOTS], { headers: { ...ISOLATED, ...headers } });
  return {
    empty: new URL(EMPTY, server.url).href,
    place: { models: "/transformers-models/", name: folder.name, special: folder.special },
    async close() {
      await server.close();
      folder.remove();
    },
  };
}
