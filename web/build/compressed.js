// Beside every file of the built page, the same compressed with Brotli: a static host that takes
// such files, and `web/serve.mjs`, send them as they are.

import { readdirSync, statSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

const compress = promisify(brotliCompress);
const SMALLEST = 1024;
/** A file that hardly shrinks is sent as it is. */
const WORTH = 0.97;
/** The benchmark's peer is that large, and fetched only by those who run the benchmark. */
const LARGE = 8 << 20;

export function compressed() {
  let folder;
  return {
    name: "pointsman-compressed",
    apply: "build",
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    writeBundle: () => Promise.all(filesUnder(folder).map(beside)),
  };
}

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

function filesUnder(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && !path.endsWith(".br"));
}
