// The peer that runs in a page.

import { transformers } from "/bench/peers/transformers.mjs";

/** transformers.js as a page without a bundler imports it, on the CPU with one thread. */
export async function webTransformers(place) {
  const module = await import("/transformers/transformers.min.js");
  const { wasm } = module.env.backends.onnx;
  wasm.numThreads = 1;
  wasm.wasmPaths = "/transformers-onnx-runtime/";
  return transformers(module, place, { device: "wasm" });
}
