// Adds the repository's bundles to the page: their files under `bundles/<id>/`, and the module
// `virtual:bundles` that lists them.

/** @import { Plugin } from "vite" */
/** @import { BundleInfo } from "pointsman" */

import { createReadStream, existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const FOLDER = resolve(import.meta.dirname, "../../bundles");
const LIST = "virtual:bundles";
const RESOLVED = `\0${LIST}`;

/** @typedef {{id: string, kind: string, tier: string, candidates: number, bytes: number}} ListedBundle */

/** @returns {Plugin} */
export function bundles() {
  return {
    name: "pointsman-bundles",
    resolveId: (id) => (id === LIST ? RESOLVED : undefined),
    load: (id) => (id === RESOLVED ? `export default ${JSON.stringify(list())};` : undefined),
    generateBundle() {
      for (const { id } of list()) {
        for (const name of filesOf(id)) {
          const source = readFileSync(join(FOLDER, id, name));
          this.emitFile({ type: "asset", fileName: `bundles/${id}/${name}`, source });
        }
      }
    },
    configureServer(server) {
      server.middlewares.use("/bundles", (request, response, next) => {
        const [, id, name] = /^\/([\w-]+)\/([\w.-]+)$/.exec((request.url ?? "").split("?")[0]) ?? [];
        if (!id || !existsSync(join(FOLDER, id, name))) return next();
        createReadStream(join(FOLDER, id, name)).pipe(response);
      });
    },
  };
}

/** @returns {ListedBundle[]} the default one first */
function list() {
  const ids = readdirSync(FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(FOLDER, entry.name, "router.json")))
    .map(({ name }) => name)
    .sort((a, b) => Number(b === "default") - Number(a === "default") || a.localeCompare(b));
  return ids.map((id) => {
    const { kind, encoder, candidates, files } = manifest(id);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    return { id, kind, tier: encoder.tier, candidates: candidates.length, bytes };
  });
}

/** @param {string} id */
function filesOf(id) {
  const { files, map } = manifest(id);
  return ["router.json", ...files.map(({ name }) => name), ...(map ? [map.name] : [])];
}

/** @param {string} id @returns {BundleInfo} */
function manifest(id) {
  return JSON.parse(readFileSync(join(FOLDER, id, "router.json"), "utf8"));
}
