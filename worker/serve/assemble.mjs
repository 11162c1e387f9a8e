// Copies into dist/ what the package runs: the Worker's modules with its wasm, as `cargo xtask build` made them,
// the modules of workerd/, and the default bundle. npm runs it before it packs.

import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const DIST = join(HERE, "dist");
const BUILD = join(HERE, "../build");
const MODULES = [
  "entry.mjs",
  "guard.mjs",
  "ledger.mjs",
  "ledger-state.mjs",
  "rollout-state.mjs",
  "drift-state.mjs",
  "stand-ins/analytics.mjs",
];
const BUNDLE = ["router.json", "model.onnx", "tokenizer.json"];

if (!existsSync(join(BUILD, "pointsman_worker_bg.wasm"))) {
  console.error("assemble: worker/build has no pointsman_worker_bg.wasm: run `cargo xtask build` first");
  process.exit(1);
}
rmSync(DIST, { recursive: true, force: true });
for (const name of MODULES) copy(join(HERE, "../js", name), join(DIST, "js", name));
for (const entry of readdirSync(BUILD, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.(js|wasm)$/.test(entry.name)) continue;
  const from = join(entry.parentPath, entry.name);
  copy(from, join(DIST, "build", from.slice(BUILD.length)));
}
for (const name of readdirSync(join(HERE, "workerd")))
  copy(join(HERE, "workerd", name), join(DIST, "serve/workerd", name));
for (const name of BUNDLE) copy(join(HERE, "../../bundles/default", name), join(DIST, "bundle", name));

/** @param {string} from @param {string} to */
function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to);
}
