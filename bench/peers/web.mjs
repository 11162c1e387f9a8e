// The peer that runs in a page.

import { transformers } from "/bench/peers/transformers.mjs";

const RUNTIMES = "/transformers-onnx-runtime/ort-wasm-simd-threaded";

/**
 * transformers.js as a page without a bundler imports it, on the CPU with one thread.
 * @param {import("./transformers.mjs").Place} place
 * @param {string} runtime which of ONNX Runtime's builds: ".asyncify", for CPU and GPU, is what
 *   transformers.js takes in Chromium by itself; "" is the one for the CPU alone
 */
export async function webTransformers(place, runtime = ".asyncify") {
  // A module of its own for each runtime: it keeps the first it has started.
  /** @type {typeof import("@huggingface/transformers")} */
  const module = await import(`/transformers/transformers.min.js?runtime=${runtime}`);
  const { wasm } = module.env.backends.onnx;
  wasm.numThreads = 1;
  wasm.wasmPaths = {
    mjs: new URL(`${RUNTIMES}${runtime}.mjs`, location.href).href,
    wasm: new URL(`${RUNTIMES}${runtime}.wasm`, location.href).href,
  };
  return transformers(module, place, { device: "wasm" });
}
