// The gateway's page says what was measured.

import assert from "node:assert/strict";
import { test } from "node:test";

import { throughput } from "./load.mjs";
import { brief, whole } from "./markdown.mjs";
import { addedRatio, latencyRows } from "./rows.mjs";

const rows = latencyRows([
  { name: "direct", times: [1, 10, 1] },
  { name: "static", times: [2, 11.5, 2] },
  { name: "portkey", times: [4, 13, 9] },
]);

test("added time is a contestant's time less the direct call's of the same round", () => {
  assert.deepEqual(
    rows.map(({ added }) => added?.p50),
    [undefined, 1, 3],
  );
  assert.equal(addedRatio(rows, "portkey", "static"), 3);
  assert.equal(addedRatio(rows, "portkey", "mini"), undefined);
});

test("there is no ratio to a contestant that adds nothing", () => {
  const none = latencyRows([
    { name: "direct", times: [1] },
    { name: "static", times: [1] },
    { name: "portkey", times: [2] },
  ]);
  assert.equal(addedRatio(none, "portkey", "static"), undefined);
});

test("as many requests as asked for are under way at once, and no more", async () => {
  let now = 0;
  let most = 0;
  const whole = async () => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((next) => setImmediate(next));
    now -= 1;
  };
  const [{ name, rate, all }] = await throughput([{ name: "one", whole }], {
    concurrency: 5,
    rounds: 3,
    seconds: 0.02,
  });
  assert.deepEqual([name, most, all.length], ["one", 5, 3]);
  assert.equal(rate, all.toSorted((a, b) => a - b)[1]);
});

const report = {
  made: "2026-01-02",
  machine: { cpu: "A processor", cores: 2, vectors: [], memory: 2 ** 33, system: "Linux 6" },
  versions: { node: "22.0.0" },
  settings: { rounds: 3, seconds: 1 },
  loadAverage: { before: 0.5, after: 1.5 },
  contestants: rows.map(({ name }) => ({ name, about: `about ${name}`, process: "one" })),
  latency: { whole: rows, streamed: rows },
  load: [{ concurrency: 16, rates: rows.map(({ name }, at) => ({ name, rate: 1000.4 - at })) }],
};

test("the summary says where Portkey serves more requests, and nothing where it does not", () => {
  assert.doesNotMatch(brief(report), /Portkey serves more/);
  const rates = rows.map(({ name }, at) => ({ name, rate: 1000 + at }));
  assert.match(brief({ ...report, load: [{ concurrency: 64, rates }] }), /At 64 requests at once Portkey serves more/);
  assert.match(brief(report), /\| ms added to a whole answer, p50 \| 1\.00 \| 3\.00 \|/);
});

test("the page has every contestant's figures", () => {
  const text = whole(report);
  assert.match(text, /\| portkey \| 3 \| 9\.00 \| 12\.60 \| 3\.00 \| 7\.50 \| 3\.00 \|/);
  assert.match(text, /\| direct \| 3 \| 1\.00 \| 9\.10 \| – \| – \| – \|/);
  assert.match(text, /\| 16 \| 1000 \| 999 \| 998 \|/);
});
