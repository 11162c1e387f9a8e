// The Worker in workerd on this machine, through miniflare: for the demo and the tests. It is
// configured as wrangler.toml configures it.

import { readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { Miniflare } from "miniflare";

const HERE = dirname(fileURLToPath(import.meta.url));
const COMPATIBILITY_DATE = "2026-06-01";

/**
 * @param {object} options
 * @param {string} options.bundle a bundle's folder
 * @param {object | string} [options.upstreams] the UPSTREAMS variable
 * @param {Record<string, string>} [options.secrets] secret bindings
 * @param {number} [options.port] 0 for any free one
 * @param {string} [options.main] the main module, relative to this folder
 * @param {(text: string) => void} [options.log] gets each line that the Worker logs
 * @returns {Promise<{url: URL, miniflare: Miniflare}>}
 */
export async function startWorker({ bundle, upstreams, secrets = {}, port = 0, main = "entry.mjs", log }) {
  const miniflare = new Miniflare({
    rootPath: HERE,
    modulesRoot: resolve(HERE, ".."),
    modules: await modules(main),
    compatibilityDate: COMPATIBILITY_DATE,
    bindings: { ...secrets, ...(upstreams === undefined ? {} : { UPSTREAMS: upstreams }) },
    assets: {
      directory: resolve(bundle),
      binding: "ASSETS",
      routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true },
    },
    host: "127.0.0.1",
    port,
    handleRuntimeStdio: (stdout, stderr) => {
      for (const stream of [stdout, stderr]) stream.on("data", (text) => log?.(String(text)));
    },
  });
  return { url: await miniflare.ready, miniflare };
}

/** The main module and what it may import, each with its kind; the main module is the first. */
async function modules(main) {
  const paths = [join(HERE, main), join(HERE, "guard.mjs")];
  const build = join(HERE, "build");
  for (const entry of await readdir(build, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && /\.(js|wasm)$/.test(entry.name)) {
      paths.push(join(entry.parentPath, entry.name));
    }
  }
  return paths.map((path) => ({
    type: path.endsWith(".wasm") ? "CompiledWasm" : "ESModule",
    path,
  }));
}
