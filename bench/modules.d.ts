// Modules that a host gives the benchmarks by another name than Node's, or that only bench/peers installs; of
// these, what is used here.

/** workerd gives a Worker the compiled module. */
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "*/ort.wasm.bundle.min.mjs" {
  export * from "onnxruntime-web";
}

declare module "*/tokenizers.mjs" {
  export * from "@huggingface/tokenizers";
}

declare module "onnxruntime-node" {
  const ort: typeof import("onnxruntime-common");
  export default ort;
}

declare module "@huggingface/transformers" {
  type Inputs = object;
  type Outputs = { embedding: { data: Float32Array } };

  export const AutoTokenizer: {
    from_pretrained(name: string): Promise<(text: string, options: { add_special_tokens: boolean }) => Inputs>;
  };
  export const AutoModel: {
    from_pretrained(name: string, options: object): Promise<(inputs: Inputs) => Promise<Outputs>>;
  };
  export const env: {
    localModelPath: string;
    backends: { onnx: { wasm: { numThreads: number; wasmPaths: { mjs: string; wasm: string } } } };
  };
}
