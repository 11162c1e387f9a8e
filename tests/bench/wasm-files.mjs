// The wasm of both engines, from the clone's root.

import { existsSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../hosts/paths.mjs";

const BASELINE = "router-wasm/js/pkg/switchyard_router_bg.wasm";
const RELAXED = "router-wasm/js/pkg/switchyard_router_relaxed_bg.wasm";
export const PEER_WASM = "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm";

/** The engine's builds that there are, by name. */
export function engineBuilds() {
  const all = { switchyard: BASELINE, "switchyard, relaxed-simd": RELAXED };
  return Object.fromEntries(Object.entries(all).filter(([, path]) => existsSync(join(ROOT, path))));
}

/** The build that the npm package takes where there is relaxed-simd: in every host measured. */
export function engineWasm() {
  return RELAXED;
}
