// Checks the exported graph with ONNX Runtime, which shares no code with the engine: it must give the
// same scores and embeddings for the same token ids.
//
// tests/fixtures/onnx-ids.json has, for each bundle's folder in the clone, token ids, how often each
// occurs where that is not once, and the native engine's results.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import * as ort from "onnxruntime-web";

import { ROOT, readJson } from "./paths.mjs";

/** Relative for values above 1, absolute below: float32 sums may be taken in another order. */
const TOLERANCE = 1e-4;
/** A transformer quantises activations at run time: another order of a sum may move one by a step. */
const DYNAMIC_TOLERANCE = 5e-3;
/** The same where coordinates and demands are near 1 and not near 0.3, after four layers in place of one to three. */
const DYNAMIC_UNIT_TOLERANCE = 5e-2;

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

const expected = readJson(join(ROOT, "tests/fixtures/onnx-ids.json"));

test("the fixture has every bundle of the clone", () => {
  const kinds = readdirSync(join(ROOT, "tests/fixtures/kinds"));
  const bundles = ["tests/fixtures/tiny", "tests/fixtures/pool", "bundles/accurate", "bundles/default"];
  bundles.push(...kinds.map((name) => `tests/fixtures/kinds/${name}`));
  const there = bundles.filter((folder) => existsSync(join(ROOT, folder, "router.json")));
  assert.deepEqual(Object.keys(expected).sort(), there.sort());
});

for (const [folder, cases] of Object.entries(expected)) {
  test(`ONNX Runtime gives the engine's results: ${folder}`, async () => {
    assert.ok(cases.length > 0);
    const { encoder, kind } = readJson(join(ROOT, folder, "router.json"));
    const dynamic = kind === "difficulty" ? DYNAMIC_UNIT_TOLERANCE : DYNAMIC_TOLERANCE;
    const tolerance = encoder.tier === "static" ? TOLERANCE : dynamic;
    const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(join(ROOT, folder, "model.onnx"))), {
      executionProviders: ["wasm"],
    });
    assert.deepEqual([...session.inputNames].sort(), ["attention_mask", "input_ids"]);
    for (const { ids, counts, scores, embedding } of cases) {
      const shape = [1, ids.length];
      const outputs = await session.run({
        input_ids: new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), shape),
        attention_mask: new ort.Tensor("int64", BigInt64Array.from(counts ?? ids.map(() => 1), BigInt), shape),
      });
      if (scores.length > 0) {
        assert.deepEqual(outputs.scores.dims, [1, scores.length]);
        near(numbersOf(outputs.scores), scores, tolerance, `scores of ${ids.length} ids`);
      } else {
        assert.equal(outputs.scores, undefined, "a head that is not in the graph");
      }
      const found = numbersOf(outputs.embedding).subarray(0, embedding.length);
      near(found, embedding, tolerance, `embedding of ${ids.length} ids`);
    }
    await session.release();
  });
}

/** @param {ort.Tensor} tensor in float32 */
function numbersOf({ data }) {
  assert.ok(data instanceof Float32Array);
  return data;
}

/** @param {Float32Array} found @param {number[]} wanted @param {number} tolerance @param {string} what */
function near(found, wanted, tolerance, what) {
  assert.equal(found.length, wanted.length, what);
  wanted.forEach((value, i) => {
    const apart = Math.abs(found[i] - value);
    const allowed = tolerance * Math.max(1, Math.abs(value));
    assert.ok(apart <= allowed, `${what}, ${i}: ${found[i]}, the engine ${value}, ${apart} apart`);
  });
}
