// The pages of a run say what was measured.

/** @import { Report } from "./markdown.mjs" */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test } from "node:test";

import { shortName } from "./machine.mjs";
import { brief, command, whole } from "./markdown.mjs";
import { rendered, stale } from "./report.mjs";
import { coldRow, memoryRow, turnsRow } from "./rows.mjs";
import { summary } from "./run-pages.mjs";
import { save, storedRuns } from "./runs.mjs";
import { assertTablesAreEven } from "./tables.mjs";

const results = [
  { name: "pointsman", calls: 1, times: [4, 4] },
  { name: "ids model.onnx", calls: 1, times: [2, 2] },
  { name: "ids onnx-runtime.onnx", calls: 1, times: [1, 1] },
  { name: "text onnx-runtime.onnx", calls: 1, times: [2, 2] },
  { name: "transformers.js", calls: 1, times: [3, 3] },
];
const shape = { layers: 1, width: 384, inner: 1536 };
const row = turnsRow({ host: "node", bundle: "mini", shape }, { tokens: 8, apart: { "model.onnx": 0 }, results });
const sizes = { raw: 2_000_000, gzip: 1_000_000 };
/** @type {Report} */
const report = {
  made: "2026-01-02",
  revision: "abc1234",
  machine: { cpu: "A processor", cores: 2, vectors: ["avx2"], memory: 2 ** 33, system: "Linux 6" },
  versions: { node: "22.0.0" },
  settings: { rounds: 2, seconds: 1, coldRuns: 1 },
  load: { before: 0.5, after: 1.5 },
  wasm: { pointsman: sizes },
  bundles: [{ name: "mini", about: "small", precision: "int8", shape, bytes: sizes }],
  turns: [row],
  cold: [
    coldRow({ host: "node", bundle: "mini", engine: "pointsman" }, [{ load: 1, decide: 2, all: 3 }]),
    coldRow({ host: "node", bundle: "mini", engine: "peer" }, [{ load: 2, decide: 3, all: 5 }]),
  ],
  memory: [
    memoryRow(
      { host: "node", bundle: "mini", engine: "peer" },
      [5e6, 4e6, 1e6].map((resident) => [{ tokens: 8, wasm: 3e6, resident }]),
    ),
    memoryRow({ host: "node", bundle: "mini", engine: "pointsman" }, [[{ tokens: 8, wasm: 3e6 }]]),
  ],
  failed: [{ host: "native", bundle: "mini", error: "no such package" }],
};

test("the peer's row is its faster file, and the slower file stands beside it", () => {
  assert.equal(row.peer.file, "onnx-runtime.onnx");
  assert.equal(row.peer.ratio.median, 0.25);
  assert.equal(row.otherFile?.file, "model.onnx");
  assert.equal(row.fromText?.ratio.median, 0.5);
  assert.equal(row.transformers?.ratio.median, 0.75);
  assert.equal(row.rounds, 2);
});

test("the page shows every row, and what was not measured", () => {
  const page = whole(report);
  assert.match(page, /\| mini \| 8 \| 2 \| 4 \| 4 \|/);
  assert.match(page, /0\.25 \[0\.25, 0\.25\]/);
  assert.match(page, /\| Node \| mini \| 3 \(3 to 3\) \| 1 \| 5 \(5 to 5\) \| 2 \|/);
  assert.match(page, /3\.00 \(4\.00\)/);
  assert.match(page, /Not measured: mini in native: no such package/);
  assert.match(page, /A processor \(avx2\), 2 logical cores, 8 GiB, Linux 6/);
});

test("every table's rows have as many cells as its head", () => {
  for (const text of [whole(report), brief(report)]) assertTablesAreEven(text);
});

test("the summary says where ONNX Runtime is faster", () => {
  assert.match(brief(report), /ONNX Runtime is faster in 1 of 1 cells \(Node\)\./);
  const fromText = { ...row.peer, ratio: { median: 1.5, low: 1, high: 2 } };
  const won = { ...report, turns: [{ ...row, fromText }] };
  assert.match(brief(won), /From text, ours is faster in every cell\./);
});

test("the command is the one that made the report", () => {
  const of = (/** @type {object} */ settings) => ({
    ...report,
    settings: { rounds: 2, seconds: 1, coldRuns: 3 },
    ...settings,
  });
  assert.equal(
    command(of({})),
    "cargo xtask bench edge --hosts node,native --bundles mini --rounds 2 --seconds 1 --cold-runs 3",
  );
  const hosts = ["node", "node-simd128", "workerd", "chromium", "native"].map((host) => ({ host }));
  const bundles = ["static", "mini", "minilm-l6", "minilm-l6-float"].map((name) => ({ name }));
  assert.equal(command(of({ turns: hosts, bundles })), "cargo xtask bench edge --rounds 2 --seconds 1 --cold-runs 3");
});

test("a run's folder has the date and a short name of the machine", () => {
  const name = (/** @type {string} */ cpu, /** @type {number} */ cores) => shortName({ cpu, cores });
  assert.equal(name("Intel(R) Xeon(R) Processor", 2), "xeon-2-cores");
  assert.equal(name("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", 8), "xeon-platinum-8481c-8-cores");
  assert.equal(name("Apple M2 Pro", 10), "apple-m2-pro-10-cores");
  assert.equal(name("CPU", 1), "machine-1-core");
});

test("a saved report is read again, and its pages are stale until they are written", () => {
  const runs = mkdtempSync(join(tmpdir(), "runs-"));
  try {
    const path = save("edge", report, runs);
    assert.equal(path, join(runs, "2026-01-02-a-2-cores", "edge.json"));
    save("edge", { ...report, made: "2026-01-01" }, runs);
    const found = storedRuns(runs);
    assert.deepEqual(
      found.map(({ name }) => name),
      ["2026-01-01-a-2-cores", "2026-01-02-a-2-cores"],
    );
    assert.deepEqual(found[1].reports, [{ name: "edge", report: JSON.parse(JSON.stringify(report)) }]);
    const names = (/** @type {string[]} */ paths) => paths.map((one) => relative(runs, one));
    const pages = ["edge.md", "summary.md", "README.md"];
    const all = found.flatMap(({ name }) => pages.map((page) => join(name, page)));
    assert.deepEqual(names(stale(found)), all);
    for (const [page, text] of rendered(found)) writeFileSync(page, text);
    assert.deepEqual(stale(found), []);
    assert.match(readFileSync(join(found[1].folder, "README.md"), "utf8"), /cargo xtask bench edge .*--save/);
    writeFileSync(join(found[0].folder, "summary.md"), "typed by hand");
    assert.deepEqual(names(stale(found)), [join("2026-01-01-a-2-cores", "summary.md")]);
  } finally {
    rmSync(runs, { recursive: true });
  }
});

test("a summary has one section for each benchmark, headed by its name", () => {
  for (const run of storedRuns()) {
    const headings = summary(run)
      .split("\n")
      .filter((line) => line.startsWith("#"));
    assert.deepEqual(
      headings.slice(1),
      run.reports.map(({ name }) => `## ${name}`),
    );
  }
});

test("the pages in bench/runs are what the JSON beside them says", () => {
  assert.ok(storedRuns().length > 0);
  assert.deepEqual(stale(), [], "run `cargo xtask bench report`");
});
