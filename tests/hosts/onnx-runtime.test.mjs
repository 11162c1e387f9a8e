// The independent check of the exported graph: ONNX Runtime, which shares no code with the engine,
// gives the same scores and embeddings for the same token ids.
//
// tests/fixtures/onnx-ids.json holds, by the bundle's folder in the clone, the ids and what the
// engine answered natively.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import * as ort from "onnxruntime-web";

import { ROOT, readJson } from "./paths.mjs";

/** Relative to values above 1, absolute below: float32 sums in another order. */
const TOLERANCE = 1e-4;

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

const expected = readJson(join(ROOT, "tests/fixtures/onnx-ids.json"));

test("every bundle of the clone is checked", () => {
  const bundles = ["tests/fixtures/tiny", "bundles/default"];
  const there = bundles.filter((folder) => existsSync(join(ROOT, folder, "router.json")));
  assert.deepEqual(Object.keys(expected).sort(), there.sort());
});

for (const [folder, cases] of Object.entries(expected)) {
  test(`ONNX Runtime answers as the engine does: ${folder}`, async () => {
    assert.ok(cases.length > 0);
    const session = await ort.InferenceSession.create(
      new Uint8Array(readFileSync(join(ROOT, folder, "model.onnx"))),
      { executionProviders: ["wasm"] },
    );
    assert.deepEqual([...session.inputNames].sort(), ["attention_mask", "input_ids"]);
    for (const { ids, scores, embedding } of cases) {
      const shape = [1, ids.length];
      const outputs = await session.run({
        input_ids: new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), shape),
        attention_mask: new ort.Tensor("int64", new BigInt64Array(ids.length).fill(1n), shape),
      });
      assert.deepEqual(outputs.scores.dims, [1, scores.length]);
      near(outputs.scores.data, scores, `scores of ${ids.length} ids`);
      near(outputs.embedding.data.subarray(0, embedding.length), embedding, `embedding of ${ids.length} ids`);
    }
    await session.release();
  });
}

function near(found, wanted, what) {
  assert.equal(found.length, wanted.length, what);
  wanted.forEach((value, i) => {
    const apart = Math.abs(found[i] - value);
    const allowed = TOLERANCE * Math.max(1, Math.abs(value));
    assert.ok(apart <= allowed, `${what}, ${i}: ${found[i]}, the engine ${value}, ${apart} apart`);
  });
}
