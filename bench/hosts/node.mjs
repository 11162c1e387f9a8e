// Node: a fresh process for each measurement on a bundle.

/** @import { Host } from "../in-process/measure.mjs" */

import { ENGINE_BUILDS, ENGINE_WASM } from "../wasm-files.mjs";
import { inChild } from "./child.mjs";

const CHILD = new URL("node/child.mjs", import.meta.url);

/**
 * @param {string} wasm the engine's build, from the clone's root
 * @returns {Host}
 */
const nodeWith = (wasm) => ({
  about: "Node",
  versions: async () => ({ node: process.versions.node, v8: process.versions.v8 }),
  /** Node's clock tells nanoseconds. */
  limits: { sample: 0 },
  turns: (job) => inChild(CHILD, { measure: "turns", wasm, ...job }),
  cold: (job) => inChild(CHILD, { measure: "cold", wasm, ...job }),
  memory: (job) => inChild(CHILD, { measure: "memory", wasm, ...job }),
});

export const node = nodeWith(ENGINE_WASM);
/** The module for hosts without relaxed-simd: those before 2023, and Safari. */
export const nodeSimd128 = nodeWith(ENGINE_BUILDS.pointsman);
