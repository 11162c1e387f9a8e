// onnxruntime-web in workerd. It compiles its wasm from bytes, which workerd forbids; given the
// module that workerd compiled itself, it runs. So a Worker needs this shim to use it at all.

import wasm from "../../../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm";

const { instantiate } = WebAssembly;

WebAssembly.instantiate = async (source, imports) => {
  if (source instanceof WebAssembly.Module) return instantiate.call(WebAssembly, source, imports);
  return { module: wasm, instance: await instantiate.call(WebAssembly, wasm, imports) };
};

/** Imported during a request: on import it makes calls that workerd forbids at start-up. */
export async function onnxRuntimeWeb() {
  const ort = await import("../../../node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  // `instantiate` above ignores these bytes.
  ort.env.wasm.wasmBinary = new Uint8Array(8);
  return ort;
}
