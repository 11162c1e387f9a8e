// The parity suite on the npm package in workerd, in a user's own Worker.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

import { Miniflare } from "miniflare";

import { parity } from "./parity.mjs";
import { bundleFiles, packageModules, ROOT, TINY } from "./paths.mjs";
import { tar } from "./tar.mjs";

const assets = await mkdtemp(join(tmpdir(), "pointsman-assets-"));
await writeFile(join(assets, "bundle.tar"), tar(bundleFiles(TINY)));

const module = (/** @type {string} */ path) => ({
  type: path.endsWith(".wasm") ? "CompiledWasm" : "ESModule",
  path: join(ROOT, path),
});
const miniflare = new Miniflare({
  rootPath: ROOT,
  modulesRoot: ROOT,
  modules: [
    "tests/hosts/workerd-package.mjs",
    ...packageModules(),
    "router-wasm/js/pkg/pointsman.js",
    "router-wasm/js/pkg/pointsman_relaxed_bg.wasm",
  ].map(module),
  compatibilityDate: "2026-06-01",
  assets: {
    directory: assets,
    binding: "ASSETS",
    routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true },
  },
  host: "127.0.0.1",
});
const url = await miniflare.ready;
after(async () => {
  await miniflare.dispose();
  await rm(assets, { recursive: true });
});

parity("workerd, npm package", async (request) => {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(request) });
  return response.json();
});
