// What the page's report says is what was measured.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertTablesAreEven } from "../tables.mjs";
import { ENGINES, OURS } from "./engines.mjs";
import { brief, whole } from "./markdown.mjs";
import { figuresOf, loadRows, routeRows } from "./rows.mjs";

const [, COMES, CPU] = Object.keys(ENGINES);
const time = (/** @type {number} */ all) => ({ load: all - 1, decide: 1, all });
const loads = loadRows("static", {
  [OURS]: [10, 20, 30].map(time),
  [COMES]: [40, 60, 60].map(time),
  [CPU]: [10, 10, 10].map(time),
});
const routes = routeRows("static", {
  tokens: 8,
  apart: { [COMES]: 0, [CPU]: 0.25 },
  results: [
    { name: OURS, calls: 1, times: [1, 2] },
    { name: COMES, calls: 1, times: [4, 8] },
    { name: CPU, calls: 1, times: [0.5, 1] },
  ],
});
const visit = {
  fcp: 1200,
  lcp: 2600,
  cls: 0.05,
  tbt: 210,
  ready: 3000,
  bytesUntilReady: 2e6,
  requestsUntilReady: 10,
  bytes: 2.4e6,
  requests: 20,
};
const sizes = { raw: 2_000_000, gzip: 1_000_000 };
/** @type {import("./markdown.mjs").Report} */
const report = {
  made: "2026-01-02",
  revision: "abc1234",
  machine: { cpu: "A processor", cores: 2, vectors: [], memory: 2 ** 33, system: "Linux 6" },
  versions: { chromium: "100" },
  settings: { runs: 3, rounds: 2, seconds: 1 },
  loadAverage: { before: 0.5, after: 1.5 },
  budget: 2.5e6,
  visits: [
    {
      device: "phone",
      about: "a slow phone",
      good: { fcp: 1800, lcp: 2500, tbt: 200, cls: 0.1 },
      network: { downloadThroughput: 200_000 },
      first: figuresOf([visit, { ...visit, ready: 5000 }, { ...visit, ready: 4000 }]),
      again: figuresOf([{ ready: 700 }]),
    },
    {
      device: "desk",
      about: "a desk",
      good: { fcp: 934, lcp: 1200, tbt: 150, cls: 0.1 },
      first: figuresOf([{ ...visit, bytes: 2.6e6 }]),
      again: figuresOf([{ ready: 300 }]),
    },
  ],
  engines: Object.entries(ENGINES).map(([name, { about }]) => ({ name, about })),
  bundles: [{ name: "static", about: "small", precision: "int8", bytes: sizes }],
  loads,
  fetched: Object.keys(ENGINES).map((engine) => ({
    bundle: "static",
    engine,
    ...sizes,
    files: [{ path: "/a.js", bytes: 1 }],
  })),
  routes,
};

test("a ratio is the peer's time divided by ours, round by round: below 1 the peer is faster", () => {
  assert.deepEqual(
    loads.map(({ engine, ratio }) => [engine, ratio?.median]),
    [
      [OURS, undefined],
      [COMES, 3],
      [CPU, 0.5],
    ],
  );
  assert.deepEqual(
    routes.map(({ ratio }) => ratio?.median),
    [undefined, 4, 0.5],
  );
});

test("the page has every figure: medians, least and most", () => {
  const text = whole(report);
  assert.match(text, /\| ready to route, s \| 4\.00 \(3\.00 to 5\.00\) \| – \| 3\.00 \(3\.00 to 3\.00\) \| – \|/);
  assert.match(text, /\| ready on the second visit, s \| 0\.70 \(0\.70 to 0\.70\) \| – \| 0\.30/);
  assert.match(text, /by themselves \| 10\.00 \| – \| – \| – \|/);
  assert.match(text, /\| static \| pointsman \| 20 \(10 to 30\) \| 19 \| – \| 1 \| 2\.00 \| 1\.00 \|/);
  assert.match(
    text,
    /\| static \| 8 \| 2 \| 1\.5 \| 1\.95 \| 6 \| 7\.8 \| 4\.00 \[4\.00, 4\.00\] \| 0\.00 \| 0\.75 \| 0\.975 \| 0\.50 \[0\.50, 0\.50\] \| 0\.25 \|/,
  );
  assert.match(text, /Machine: A processor, 2 logical cores, 8 GiB, Linux 6\.\nVersions: chromium 100\./);
});

test("a figure over its limit is marked as missed, and no other", () => {
  const text = brief(report);
  const cells = (/** @type {string} */ name) =>
    (text.split("\n").find((line) => line.startsWith(`| ${name}`)) ?? "")
      .split(" | ")
      .slice(1)
      .map((cell) => cell.replace(" |", ""));
  assert.deepEqual(
    cells("first contentful paint").filter((_, at) => at % 2),
    ["1.80", "0.93, **missed**"],
  );
  assert.deepEqual(
    cells("largest contentful paint").filter((_, at) => at % 2),
    ["2.50, **missed**", "1.20, **missed**"],
  );
  assert.deepEqual(
    cells("total blocking time").filter((_, at) => at % 2),
    ["200, **missed**", "150, **missed**"],
  );
  assert.deepEqual(
    cells("cumulative layout shift").filter((_, at) => at % 2),
    ["0.100", "0.100"],
  );
  assert.deepEqual(
    cells("MB transferred in all").filter((_, at) => at % 2),
    ["2.50", "2.50, **missed**"],
  );
});

test("every table's rows have as many cells as its head", () => {
  for (const text of [whole(report), brief(report)]) assertTablesAreEven(text);
});
