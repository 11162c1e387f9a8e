// Writes a Brotli file beside every file of the built page, for `web/serve.mjs` and for static hosts
// that send such files.

/** @import { Plugin } from "vite" */

import { readdirSync, statSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

const compress = promisify(brotliCompress);
const SMALLEST = 1024;
/** Largest ratio of compressed to original size at which the compressed file is written. */
const WORTH = 0.97;
/** Files above this are compressed faster and less: only ONNX Runtime Web, for the benchmark, is so large. */
const LARGE = 8 << 20;

/** @returns {Plugin} */
export function compressed() {
  let folder = "";
  return {
    name: "pointsman-compressed",
    apply: "build",
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    async writeBundle() {
      await Promise.all(filesUnder(folder).map(beside));
    },
  };
}

/** @param {string} path */
async function beside(path) {
  const bytes = await readFile(path);
  if (bytes.length < SMALLEST) return;
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: bytes.length > LARGE ? 5 : 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
  };
  const smaller = await compress(bytes, { params });
  if (smaller.length < bytes.length * WORTH) await writeFile(`${path}.br`, smaller);
}

/** @param {string} folder */
function filesUnder(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && !path.endsWith(".br"));
}
