// The wasm of both engines, from the clone's root.

import { existsSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../hosts/paths.mjs";

const BASELINE = "router-wasm/js/pkg/switchyard_router_bg.wasm";
const RELAXED = "router-wasm/js/pkg/switchyard_router_relaxed_bg.wasm";
/** The first V8 whose relaxed-simd is the faster one: the rule of router-wasm/js/node.js. */
const FIRST_FAST_V8 = 13;

export const PEER_WASM = "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm";

/** The engine's builds that there are, by name. */
export function engineBuilds() {
  const all = { switchyard: BASELINE, "switchyard, relaxed-simd": RELAXED };
  return Object.fromEntries(Object.entries(all).filter(([, path]) => existsSync(join(ROOT, path))));
}

/** The build that the npm package takes in Node, or in another host of today. */
export function engineWasm({ v8 } = {}) {
  const fast = v8 === undefined || Number.parseInt(v8, 10) >= FIRST_FAST_V8;
  return fast && existsSync(join(ROOT, RELAXED)) ? RELAXED : BASELINE;
}
