// The law of a rollout's watch: a candidate that keeps its bounds is returned with a probability of at most ALPHA
// for each metric, whenever one looks; one that does not is returned.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ALPHA, added, empty, interval, observe, told, watched } from "../../worker/js/rollout-state.mjs";

/** Uniform numbers in [0, 1) of a seed (mulberry32). @param {number} seed */
function draws(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let bits = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4294967296;
  };
}

/** Whether a bound of the mean is ever wrong within `count` values, drawn by `value` with the mean `mean`. */
function everWrong(/** @type {(random: () => number) => number} */ value, mean = 0.5, count = 1000, seed = 1) {
  const random = draws(seed);
  let sums = empty();
  let wrong = { low: false, high: false };
  for (let at = 0; at < count; at++) {
    sums = added(sums, value(random));
    const { low, high } = interval(sums);
    wrong = { low: wrong.low || low > mean, high: wrong.high || high < mean };
  }
  return wrong;
}

test("over all looks together each bound is wrong at most as often as it says", () => {
  const runs = 400;
  for (const [name, mean, value] of /** @type {[string, number, (random: () => number) => number][]} */ ([
    ["rare errors", 0.02, (random) => Number(random() < 0.02)],
    ["coins", 0.5, (random) => Number(random() < 0.5)],
    ["scores", 0.5, (random) => random()],
    ["good scores", 0.9, (random) => Number(random() < 0.9)],
    ["ties", 0.5, () => 0.5],
  ])) {
    const found = Array.from({ length: runs }, (_, seed) => everWrong(value, mean, 1000, seed + 1));
    for (const side of /** @type {("low" | "high")[]} */ (["low", "high"])) {
      const wrong = found.filter((one) => one[side]).length;
      // Three standard deviations of a binomial with ALPHA.
      const most = runs * ALPHA + 3 * Math.sqrt(runs * ALPHA * (1 - ALPHA));
      assert.ok(wrong <= most, `${name}: ${side} was wrong in ${wrong} of ${runs}`);
    }
  }
});

test("the interval narrows around the mean", () => {
  const random = draws(7);
  let sums = empty();
  const widths = [];
  for (let at = 1; at <= 4000; at++) {
    sums = added(sums, Number(random() < 0.3));
    const { low, high, mean } = interval(sums);
    assert.ok(low <= high && low >= 0 && high <= 1 && Number.isFinite(mean));
    if ([250, 1000, 4000].includes(at)) widths.push(high - low);
  }
  assert.ok(widths[0] > widths[1] && widths[1] > widths[2] && widths[2] < 0.1, widths.join());
});

const bounds = { feedbackBelow: 0.6, shadowBelow: 0.4, errorsAbove: 0.05, least: 50 };
const base = { id: "candidate", bounds, now: 7, name: "event" };

/** Values until the candidate returns, at most `most`. */
function valuesUntilReturn(
  /** @type {"feedback" | "shadow" | "errors"} */ metric,
  /** @type {number} */ probability,
  most = 3000,
) {
  const [store, random] = [new Map(), draws(3)];
  for (let count = 1; count <= most; count++) {
    const value = Number(random() < probability);
    const found = observe(/** @type {any} */ (rows(store)), { ...base, metric, value });
    if (found.returned) return { count, returned: found.returned, store };
  }
  return undefined;
}

/** A store of rows. @param {Map<string, unknown>} map */
const rows = (map) => ({
  get: (/** @type {string} */ key) => map.get(key),
  put: (/** @type {string} */ key, /** @type {unknown} */ row) => map.set(key, structuredClone(row)),
});

test("a candidate that is worse than a bound returns, one that is better does not", () => {
  for (const [metric, bad, good] of /** @type {const} */ ([
    ["errors", 0.2, 0.02],
    ["feedback", 0.3, 0.8],
    ["shadow", 0.15, 0.6],
  ])) {
    const found = valuesUntilReturn(metric, bad);
    assert.ok(found && found.count >= bounds.least && found.count < 400, `${metric}: ${found?.count}`);
    assert.equal(found.returned.metric, metric);
    assert.equal(valuesUntilReturn(metric, good), undefined, metric);
  }
});

test("the first breach stands, and is told until it was", () => {
  const found = valuesUntilReturn("errors", 0.5);
  const store = /** @type {any} */ (rows(found?.store ?? new Map()));
  const { returned } = watched(store, { id: "candidate" });
  assert.deepEqual([returned?.at, returned?.name, returned?.told], [7, "event", false]);
  const later = observe(store, { ...base, metric: "errors", value: 0, now: 9, name: "another" });
  assert.deepEqual(later.returned, returned);
  told(store, { id: "candidate" });
  assert.equal(watched(store, { id: "candidate" }).returned?.told, true);
  assert.deepEqual(watched(store, { id: "another" }), { metrics: {} });
});

test("bad values, metrics and ids are refused by name", () => {
  const store = /** @type {any} */ (rows(new Map()));
  for (const [change, code] of /** @type {[object, string][]} */ ([
    [{ value: 2 }, "rollout_value"],
    [{ value: Number.NaN }, "rollout_value"],
    [{ metric: "speed" }, "rollout_metric"],
    [{ id: "" }, "rollout_id"],
  ])) {
    const request = /** @type {any} */ ({ ...base, metric: "errors", value: 1, ...change });
    assert.throws(() => observe(store, request), { code });
  }
});
