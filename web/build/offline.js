// Writes the service worker with the list of files that the page needs offline. Files loaded on demand
// are not in the list (ONNX Runtime Web, bundles other than the default one, the engine's modules); the
// service worker keeps them once they were fetched.

/** @import { Plugin, Rollup } from "vite" */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const SOURCE = resolve(import.meta.dirname, "../src/service-worker.js");
const LATER = /onnx|ort-|ort\.|tokenizers|benchmark-worker|\.wasm$|default-bundle|\.map$/;

/** @returns {Plugin} */
export function offline() {
  return {
    name: "pointsman-offline",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, files) {
        const shell = Object.keys(files).filter((name) => {
          if (name.startsWith("bundles/")) return name.startsWith("bundles/default/");
          return !LATER.test(name);
        });
        const content = createHash("sha256");
        for (const name of shell.sort()) content.update(name).update(bytesOf(files[name]));
        const source = readFileSync(SOURCE, "utf8")
          .replace("__VERSION__", content.digest("hex").slice(0, 16))
          .replace("__SHELL__", JSON.stringify(["./", ...shell]));
        this.emitFile({ type: "asset", fileName: "service-worker.js", source });
      },
    },
  };
}

/** @param {Rollup.OutputAsset | Rollup.OutputChunk} file */
function bytesOf(file) {
  return file.type === "chunk" ? file.code : file.source;
}
