// The reference of the bench: ONNX Runtime's wasm, one thread, on the same graph.

import { readFileSync } from "node:fs";

import * as ort from "onnxruntime-web";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

/** @returns {Promise<(ids: number[]) => Promise<number[]>>} ids to scores */
export async function onnxRuntime(path) {
  const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(path)), {
    executionProviders: ["wasm"],
  });
  return async (ids) => {
    const shape = [1, ids.length];
    const { scores, embedding } = await session.run({
      input_ids: new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), shape),
      attention_mask: new ort.Tensor("int64", new BigInt64Array(ids.length).fill(1n), shape),
    });
    // A head that is not in the graph leaves the embedding to compute.
    return [...(scores ?? embedding).data];
  };
}
