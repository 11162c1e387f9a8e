// What the documents say is what was measured.

import assert from "node:assert/strict";
import { test } from "node:test";

import { brief, whole } from "./markdown.mjs";
import { refreshed } from "./readme.mjs";
import { stale } from "./report.mjs";
import { coldRow, memoryRow, turnsRow } from "./rows.mjs";

const results = [
  { name: "pointsman", calls: 1, times: [4, 4] },
  { name: "ids model.onnx", calls: 1, times: [2, 2] },
  { name: "ids onnx-runtime.onnx", calls: 1, times: [1, 1] },
  { name: "text onnx-runtime.onnx", calls: 1, times: [2, 2] },
  { name: "transformers.js", calls: 1, times: [3, 3] },
];
const shape = { layers: 1, width: 384, inner: 1536 };
const row = turnsRow({ host: "node", bundle: "mini", shape }, { tokens: 8, apart: 0, results });
const sizes = { raw: 2_000_000, gzip: 1_000_000 };
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
    memoryRow({ host: "node", bundle: "mini", engine: "peer" }, [5e6, 4e6, 1e6].map((resident) => [{ tokens: 8, wasm: 3e6, resident }])),
    memoryRow({ host: "node", bundle: "mini", engine: "pointsman" }, [[{ tokens: 8, wasm: 3e6 }]]),
  ],
  failed: [{ host: "native", bundle: "mini", error: "no such package" }],
};

test("the peer is what it does best, and its slower file stands beside it", () => {
  assert.equal(row.peer.file, "onnx-runtime.onnx");
  assert.equal(row.peer.ratio.median, 0.25);
  assert.equal(row.otherFile.file, "model.onnx");
  assert.equal(row.fromText.ratio.median, 0.5);
  assert.equal(row.transformers.ratio.median, 0.75);
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
  for (const text of [whole(report), brief(report)]) {
    for (const table of text.split("\n\n").filter((part) => part.startsWith("|"))) {
      const cells = table.trim().split("\n").map((line) => line.split(" | ").length);
      assert.deepEqual([...new Set(cells)], [cells[0]], table);
    }
  }
});

test("the README keeps all but what stands between its markers", () => {
  const text = "Before\n<!-- figures: edge -->\nold\n<!-- end of figures -->\nafter\n";
  const found = refreshed(text, "edge", "new\n");
  assert.equal(found, "Before\n<!-- figures: edge -->\nnew\n<!-- end of figures -->\nafter\n");
  assert.equal(refreshed(found, "edge", "new\n"), found);
});

test("markers that are missing, doubled or unclosed are errors", () => {
  const start = "<!-- figures: edge -->\n";
  const end = "<!-- end of figures -->\n";
  assert.throws(() => refreshed("no marker\n", "edge", "new"), /stands 0 times/);
  assert.throws(() => refreshed(`${start}${end}${start}${end}`, "edge", "new"), /stands 2 times/);
  assert.throws(() => refreshed(`${start}old\n`, "edge", "new"), /no "<!-- end of figures -->"/);
});

test("README.md and the pages in docs/bench are made of their figures", () => {
  assert.deepEqual(stale(), [], "run `cargo xtask bench report`");
});
