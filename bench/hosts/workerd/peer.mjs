// onnxruntime-web in workerd. It compiles its wasm from bytes, which workerd forbids; given the
// module that workerd compiled itself, it runs. So a Worker needs this shim to use it at all.

import wasm from "../../../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm";

const { instantiate } = WebAssembly;

/** @param {WebAssembly.Module | BufferSource} source @param {WebAssembly.Imports} [imports] */
async function instantiated(source, imports) {
  if (source instanceof WebAssembly.Module) return instantiate(source, imports);
  return { module: wasm, instance: await instantiate(wasm, imports) };
}

// The signatures of `instantiate` differ by the source, which one function cannot state.
WebAssembly.instantiate = /** @type {typeof instantiate} */ (instantiated);

/** Imported during a request: on import it makes calls that workerd forbids at start-up. */
export async function onnxRuntimeWeb() {
  const ort = await import("../../../node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  // `instantiate` above ignores these bytes.
  ort.env.wasm.wasmBinary = new Uint8Array(8);
  return ort;
}
