// This machine without wasm: the engine's own build beside onnxruntime-node.

import { inChild } from "./child.mjs";

const CHILD = new URL("native/child.mjs", import.meta.url);

/** @param {string} program the path of `bench-native` */
export function native(program) {
  const measure = (measure) => (job) => inChild(CHILD, { measure, program, ...job });
  return {
    about: "native",
    versions: async () => ({}),
    limits: { sample: 0 },
    turns: measure("turns"),
    cold: measure("cold"),
    memory: measure("memory"),
  };
}
