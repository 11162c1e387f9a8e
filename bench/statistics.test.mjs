// The arithmetic of the bench: quantiles, ratios by round, an encoder's work.

import assert from "node:assert/strict";
import { test } from "node:test";

import { quantile, ratio, summary } from "./statistics.mjs";
import { multiplyAdds } from "./work.mjs";

test("a quantile is interpolated linearly between its neighbours", () => {
  assert.equal(quantile([1, 2, 3, 4, 5], 0.5), 3);
  assert.equal(quantile([1, 2], 0.25), 1.25);
  assert.equal(quantile([7], 0.95), 7);
  assert.throws(() => quantile([], 0.5), /at least one/);
});

test("a summary does not depend on the order of the times, and does not sort them in place", () => {
  const times = [5, 1, 4, 2, 3];
  assert.deepEqual(summary(times), { p50: 3, p95: 4.8, min: 1, max: 5 });
  assert.deepEqual(times, [5, 1, 4, 2, 3]);
});

test("a ratio is taken round by round, so a slow round changes nothing", () => {
  assert.deepEqual(ratio([2, 200, 2], [1, 100, 1]), { median: 2, low: 2, high: 2 });
  assert.equal(ratio([1, 2, 3], [2, 2, 2]).median, 1);
  assert.throws(() => ratio([1], [1, 2]), /a pair a round/);
});

test("an encoder's multiply-adds follow from its shape", () => {
  assert.equal(multiplyAdds({ layers: 0, width: 64, inner: 0 }, 8), 512);
  // One layer, one token, width 1: four projections, scores and mix, up and down.
  assert.equal(multiplyAdds({ layers: 1, width: 1, inner: 1 }, 1), 8);
  // MiniLM: about 10.7 million multiply-adds a token, and attention besides.
  const six = { layers: 6, width: 384, inner: 1536 };
  assert.equal(multiplyAdds(six, 512), 512 * 10_616_832 + 6 * 2 * 512 ** 2 * 384);
});
