// Node: a fresh process for each measurement on a bundle.

import { ENGINE_BUILDS, ENGINE_WASM } from "../wasm-files.mjs";
import { inChild } from "./child.mjs";

const CHILD = new URL("node/child.mjs", import.meta.url);

/** @param {string} wasm the engine's build, from the clone's root */
const nodeWith = (wasm) => {
  const measure = (name) => (job) => inChild(CHILD, { measure: name, wasm, ...job });
  return {
    about: "Node",
    versions: async () => ({ node: process.versions.node, v8: process.versions.v8 }),
    /** Node's clock tells nanoseconds. */
    limits: { sample: 0 },
    turns: measure("turns"),
    cold: measure("cold"),
    memory: measure("memory"),
  };
};

export const node = nodeWith(ENGINE_WASM);
/** The module for hosts without relaxed-simd: those before 2023, and Safari. */
export const nodeSimd128 = nodeWith(ENGINE_BUILDS.pointsman);
