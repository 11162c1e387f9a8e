// This machine without wasm: the engine's own build beside onnxruntime-node.

/** @import { Host } from "../in-process/measure.mjs" */

import { inChild } from "./child.mjs";

const CHILD = new URL("native/child.mjs", import.meta.url);

/**
 * @param {string} program the path of `bench-native`
 * @returns {Host}
 */
export function native(program) {
  return {
    about: "native",
    versions: async () => ({}),
    limits: { sample: 0 },
    turns: (job) => inChild(CHILD, { measure: "turns", program, ...job }),
    cold: (job) => inChild(CHILD, { measure: "cold", program, ...job }),
    memory: (job) => inChild(CHILD, { measure: "memory", program, ...job }),
  };
}
