// ONNX Runtime on a bundle's graph, web or native: their JavaScript is the same.

/** @param ort the module `onnxruntime-web` or `onnxruntime-node`, set up */
export async function onnxRuntime(ort, bytes, options) {
  const session = await ort.InferenceSession.create(bytes, options);
  return {
    /** What the graph takes; made once where only the graph is measured. */
    inputs(ids) {
      const shape = [1, ids.length];
      return {
        input_ids: new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), shape),
        attention_mask: new ort.Tensor("int64", new BigInt64Array(ids.length).fill(1n), shape),
      };
    },
    run: (inputs) => session.run(inputs),
    release: () => session.release(),
  };
}

/** One thread, as the engine has. */
export const WEB = { executionProviders: ["wasm"] };
export const NATIVE = {
  executionProviders: ["cpu"],
  executionMode: "sequential",
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
};
