// The page's computations, without the page.

/** @import { ShareCurve } from "../../web/src/model/curve.js" */
/** @import { Link } from "../../web/src/model/deep-link.js" */

import assert from "node:assert/strict";
import { test } from "node:test";

import { textOfTokens } from "../../web/src/model/benchmark-text.js";
import { quantile, shareFrom, thresholdFor } from "../../web/src/model/calibration.js";
import { ends, gapRecovered, qualityOf, valueAt } from "../../web/src/model/curve.js";
import { MODES, readLink, VIEWS, writeLink } from "../../web/src/model/deep-link.js";
import { histogram } from "../../web/src/model/histogram.js";
import { costOf, monthlyBill, withPrices } from "../../web/src/model/money.js";
import { median, ratioOf } from "../../web/src/model/paired-times.js";
import { clusterAt, place, readMap } from "../../web/src/model/projection.js";

const QUANTILES = [0.1, 0.2, 0.25, 0.4, 0.9];
/** @type {ShareCurve} */
const CURVE = {
  dataset: "d",
  rows: 4,
  removed_as_leaks: 0,
  held_out: true,
  candidates: [],
  router: [
    [0, 0.5],
    [0.5, 0.8],
    [1, 0.9],
  ],
};

test("the conversions between a share of strong calls and its threshold are inverse", () => {
  for (let share = 0; share <= 1; share += 0.01) {
    assert.ok(Math.abs(shareFrom(QUANTILES, thresholdFor(QUANTILES, share)) - share) < 1e-9, String(share));
  }
  assert.equal(quantile(QUANTILES, 0), 0.1);
  assert.equal(quantile(QUANTILES, 1), 0.9);
  assert.equal(shareFrom(QUANTILES, 0), 1);
  assert.equal(shareFrom(QUANTILES, 1), 0);
});

test("a curve is interpolated, and the gap recovered is the position between its ends", () => {
  assert.equal(valueAt(CURVE.router, 0.25), 0.65);
  assert.equal(valueAt(CURVE.router, 0), 0.5);
  assert.equal(valueAt(CURVE.router, 1), 0.9);
  assert.deepEqual(ends(CURVE), { weak: 0.5, strong: 0.9 });
  assert.ok(Math.abs(gapRecovered(CURVE, 0.7) - 0.5) < 1e-12);
  for (const pgr of [0, 0.3, 1]) assert.ok(Math.abs(gapRecovered(CURVE, qualityOf(CURVE, pgr)) - pgr) < 1e-12);
});

test("bills follow prices, tokens and shares, and an unknown price gives no bill", () => {
  const strong = { id: "strong", input_price: 10, output_price: 30 };
  const weak = { id: "weak", input_price: 1, output_price: 2 };
  const usage = { queries: 1000, inputTokens: 100, outputTokens: 200 };
  assert.ok(Math.abs((costOf(strong, usage) ?? 0) - 0.007) < 1e-12);
  assert.ok(Math.abs((monthlyBill([strong, weak], { strong: 0.5, weak: 0.5 }, usage) ?? 0) - 3.75) < 1e-9);
  assert.equal(monthlyBill([strong, { id: "weak" }], { strong: 0.5, weak: 0.5 }, usage), undefined);
  assert.ok((monthlyBill([strong, { id: "weak" }], { strong: 1 }, usage) ?? 0) > 0);
});

test("the user's prices replace the bundle's, and an emptied field means no price", () => {
  const manifest = {
    name: "x",
    candidates: [
      { id: "a", input_price: 1, output_price: 2, prices_as_of: "2024-06" },
      { id: "b", input_price: 3 },
    ],
  };
  const { candidates, name } = withPrices(manifest, { a: { input: 5, output: undefined } });
  assert.equal(name, "x");
  assert.deepEqual(candidates, [
    { id: "a", input_price: 5 },
    { id: "b", input_price: 3 },
  ]);
  assert.equal(manifest.candidates[0].input_price, 1);
});

test("a histogram counts every value once, including those at its ends", () => {
  const values = [0, 0.1, 0.5, 0.99, 1, 1];
  const bins = histogram(values, [0, 1], 4);
  assert.deepEqual(
    bins.map(({ count }) => count),
    [2, 0, 1, 3],
  );
  assert.equal(bins.at(-1)?.to, 1);
});

test("a state is restored from its link", () => {
  /** @type {Link} */
  const state = {
    view: "trade-off",
    mode: "threshold",
    threshold: 0.25,
    strongShare: 0.5,
    costWeight: 3,
    query: "a&b=c #?é 中文",
    turns: [],
    bundle: "accurate",
    language: "zh",
    theme: "dark",
  };
  const { strongShare: _, costWeight: __, turns: ___, ...expected } = state;
  assert.deepEqual(readLink(writeLink(state)), expected);
  assert.deepEqual(readLink(writeLink({ view: "playground", turns: ["one", "two & three"] })), {
    view: "playground",
    turns: ["one", "two & three"],
  });
  for (const view of VIEWS) assert.equal(readLink(`#/${view}`).view, view);
});

test("invalid values in a link are ignored", () => {
  for (const link of [
    "#/nowhere",
    "#/playground?strongShare=7",
    "#/?threshold=x",
    "#/?mode=oracle",
    "#/?bundle=../../etc",
    "#/?lang=xx&theme=pink",
    "#%%%",
  ]) {
    const { view, ...rest } = readLink(link);
    assert.deepEqual(rest, {}, link);
    assert.ok(view === undefined || VIEWS.includes(view));
  }
  assert.equal(readLink("#/?costWeight=200").costWeight, 200);
  assert.deepEqual(MODES.length, 3);
});

test("a query too long for a link is left out entirely", () => {
  assert.equal(readLink(writeLink({ view: "playground", query: "x".repeat(5000) })).query, undefined);
});

test("a position on the map is axes times (direction minus mean), without the length coordinate", () => {
  const projection = {
    mean: [0.5, 0, 1],
    axes: [
      [1, 0, 0],
      [0, 2, -1],
    ],
  };
  const places = [
    [3, 0, 4, 7],
    [6, 0, 8, 9],
  ].map((embedding) => place(projection, new Float32Array(embedding)));
  for (const [x, y] of places) assert.ok(Math.abs(x - 0.1) < 1e-12 && Math.abs(y - 0.2) < 1e-12, `${x} ${y}`);
  assert.deepEqual(place(projection, new Float32Array([0, 0, 0, 1])), [-0.5, 1]);
});

test("the cluster at a position is the most frequent one among the nearest points", () => {
  /** @type {Parameters<typeof clusterAt>[0]} */
  const map = {
    clusters: [
      { name: "law", rows: 2 },
      { name: "sums", rows: 3 },
    ],
    points: [
      [0, 0, 0, 0.1],
      [0.1, 0, 0, 0.1],
      [0, 0.1, 1, 0.1],
      [5, 5, 1, 0.9],
      [5, 5.1, 1, 0.9],
    ],
  };
  assert.equal(clusterAt(map, [0, 0], 3).name, "law");
  assert.equal(clusterAt(map, [5, 5], 3).name, "sums");
});

test("an invalid map is refused with the cause", () => {
  const good = {
    format: 1,
    projection: {
      mean: [0, 0],
      axes: [
        [1, 0],
        [0, 1],
      ],
    },
    clusters: [{ name: "a", rows: 1 }],
    points: [[0, 0, 0, 0.5]],
  };
  assert.equal(readMap(JSON.stringify(good), 3).clusters.length, 1);
  const cases = [
    [{ ...good, format: 2 }, /format 2: expected 1/],
    [{ ...good, projection: { mean: [0], axes: [[1], [0]] } }, /not of 2 coordinates/],
    [{ ...good, points: [[0, 0, 7, 0.5]] }, /a point is not/],
    [{ ...good, points: [[0, null, 0, 0.5]] }, /a point is not/],
    [{ ...good, points: undefined }, /a point is not/],
  ];
  for (const [map, message] of cases) assert.throws(() => readMap(JSON.stringify(map), 3), message);
  assert.throws(() => readMap("{", 3), SyntaxError);
});

test("medians and ratios are computed from rounds", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1]), 2.5);
  const { median: middle, low, high } = ratioOf([2, 4, 9], [1, 1, 3]);
  assert.deepEqual([middle, low, high], [3, 2.5, 3.5]);
});

test("a benchmark's text has the requested length by the tokenizer's count", () => {
  const words = (/** @type {string} */ text) => text.split(" ").length;
  for (const length of [1, 8, 100]) assert.equal(textOfTokens(length, words).tokens, length);
});
