// onnxruntime-web in workerd. It compiles its wasm from bytes, which workerd forbids; given the
// module that workerd compiled itself, it runs. So a Worker needs this shim to use it at all.

import wasm from "../../../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm";

const { instantiate } = WebAssembly;

WebAssembly.instantiate = async (source, imports) => {
  if (source instanceof WebAssembly.Module) return instantiate.call(WebAssembly, source, imports);
  return { module: wasm, instance: await instantiate.call(WebAssembly, wasm, imports) };
};

/** Imported in a request, since it looks about itself in a way that start-up forbids. */
export async function onnxRuntimeWeb() {
  const ort = await import("../../../node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  // Bytes to be handed to `instantiate` above, which looks at none of them.
  ort.env.wasm.wasmBinary = new Uint8Array(8);
  return ort;
}
