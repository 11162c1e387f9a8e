// Shares of strong calls of each caller's own traffic.

import assert from "node:assert/strict";
import { test } from "node:test";

import { alone, BUNDLE, decisionHeaders } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { upstream } from "./stand-ins.mjs";

/** @import { Gateway } from "./gateway.mjs" */

const { strong } = BUNDLE;
const BATCH = 250;
const batch = Array.from({ length: BATCH }, (_, at) => ({
  query: `Prove that ${at} is not a square, step by step.`,
  policy: { strongShare: 0.3 },
}));

/**
 * Decides on a batch.
 * @param {Gateway} worker
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{model: string, threshold: number, thresholdFrom: string}[]>}
 */
async function decisions(worker, headers) {
  const response = await worker.post("v1/route", { batch }, headers);
  assert.equal(response.status, 200);
  return (await response.json()).results;
}

const share = (/** @type {{model: string}[]} */ rows) =>
  rows.filter(({ model }) => model === strong).length / rows.length;

test("a share comes true on each caller's own requests, and moves no other caller's threshold", async (t) => {
  const one = await upstream();
  t.after(() => one.close());
  const [first, second] = [key("first"), key("second")];
  const worker = await alone(t, { upstream: one, keys: [first.entry, second.entry] });
  const before = await decisions(worker, bearer(first));
  assert.equal(before[0].thresholdFrom, "traffic");
  await decisions(worker, bearer(first));
  const after = [...(await decisions(worker, bearer(first))), ...(await decisions(worker, bearer(first)))];
  assert.ok(Math.abs(share(after) - 0.3) < 0.03, String(share(after)));
  const other = await decisions(worker, bearer(second));
  assert.deepEqual(other, before);
  const headers = { ...bearer(first), "x-pointsman-strong-share": "0.3" };
  assert.equal(decisionHeaders(await worker.chat({}, headers))["threshold-from"], "traffic");
});

test("without learnShares every threshold is of the bundle's calibration", async (t) => {
  const one = await upstream();
  t.after(() => one.close());
  const worker = await alone(t, { upstream: one, gateway: { routing: { learnShares: false } } });
  const rows = [...(await decisions(worker)), ...(await decisions(worker))];
  assert.equal(new Set(rows.map(({ threshold }) => threshold)).size, 1);
  assert.ok(rows.every(({ thresholdFrom }) => thresholdFrom === "bundle"));
  const stated = await worker.chat({}, { "x-pointsman-threshold": "0.5" });
  assert.equal(decisionHeaders(stated)["threshold-from"], "policy");
});
