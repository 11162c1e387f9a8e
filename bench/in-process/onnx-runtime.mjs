// ONNX Runtime on a bundle's graph, web or native: their JavaScript is the same.

/**
 * @typedef {Pick<typeof import("onnxruntime-common"), "InferenceSession" | "Tensor">} OnnxRuntime
 * @typedef {import("onnxruntime-common").InferenceSession.SessionOptions} SessionOptions
 * @typedef {Record<string, import("onnxruntime-common").Tensor>} Inputs
 * @typedef {{embedding: {data: Float32Array}}} Outputs
 * @typedef {object} Session
 * @property {(ids: number[]) => Inputs} inputs what the graph takes; made once where only the graph is measured
 * @property {(inputs: Inputs) => Promise<Outputs>} run
 * @property {() => Promise<void>} release
 */

/**
 * @param {OnnxRuntime} ort the module `onnxruntime-web` or `onnxruntime-node`, set up
 * @param {Uint8Array} bytes of the graph
 * @param {SessionOptions} [options]
 * @returns {Promise<Session>}
 */
export async function onnxRuntime(ort, bytes, options) {
  const session = await ort.InferenceSession.create(bytes, options);
  return {
    inputs(ids) {
      const shape = [1, ids.length];
      return {
        input_ids: new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), shape),
        attention_mask: new ort.Tensor("int64", new BigInt64Array(ids.length).fill(1n), shape),
      };
    },
    run: async (inputs) => /** @type {Outputs} */ (/** @type {unknown} */ (await session.run(inputs))),
    release: () => session.release(),
  };
}

/**
 * One thread, as the engine has.
 * @type {SessionOptions}
 */
export const WEB = { executionProviders: ["wasm"] };
/** @type {SessionOptions} */
export const NATIVE = {
  executionProviders: ["cpu"],
  executionMode: "sequential",
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
};
