// Shares of the router's own traffic: the option `learnShares`, and the state that it learns.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Router } from "pointsman";
import { RouterWorker } from "pointsman/worker";

import { bundleFiles, TINY } from "../hosts/paths.mjs";
import { refused, untyped } from "./refused.mjs";

/** @import { AnyRouter } from "../../router-wasm/js/src/types/adapter.js" */

const files = bundleFiles(TINY);
const POLICY = { strongShare: 0.3 };
const SAMPLES = 1000;
/** Queries of one kind, whose win rates no calibration foresaw. */
const queries = Array.from({ length: SAMPLES }, (_, at) => `Prove that ${at} is not a square, step by step.`);

/** @param {Awaited<ReturnType<AnyRouter["routeBatch"]>>} rows */
function strongShare(rows) {
  const strong = rows.filter(({ decision }) => decision?.reason === "above_threshold");
  return strong.length / rows.length;
}

const near = (/** @type {number} */ found, /** @type {number} */ expected) =>
  assert.ok(Math.abs(found - expected) < 0.03, `${found}, expected ${expected}`);

test("with learnShares a share comes true on the router's own queries, and its state goes on", async () => {
  const router = await Router.load(files, { learnShares: true });
  const rows = router.routeBatch(queries, POLICY);
  near(strongShare(rows.slice(SAMPLES / 2)), 0.3);
  assert.equal(rows[SAMPLES - 1].decision?.thresholdFrom, "traffic");
  const state = router.trafficState() ?? assert.fail("there is a state");
  assert.ok(state.length < 12_000, `${state.length} characters`);
  assert.ok(!state.includes("square"), "it holds no query");
  const next = await Router.load(files, { learnShares: { state } });
  assert.equal(next.trafficState(), state);
  near(strongShare(next.routeBatch(queries.slice(0, 300), POLICY)), 0.3);
  const other = await Router.load(files);
  other.addTraffic(state);
  other.addTraffic(state);
  assert.equal(JSON.parse(other.trafficState() ?? "").queries, 2 * SAMPLES);
});

test("without the option a decision is a function of the query alone", async () => {
  const router = await Router.load(files, { cache: 0 });
  const [first] = queries;
  const before = router.route(first, POLICY);
  router.routeBatch(queries, POLICY);
  assert.deepEqual(router.route(first, POLICY), before);
  assert.equal(before.thresholdFrom, "bundle");
  assert.equal(router.trafficState(), undefined);
});

test("a RouterWorker learns as a Router does", async () => {
  const [router, thread] = [
    await Router.load(files, { learnShares: true }),
    await RouterWorker.load(files, { learnShares: true }),
  ];
  const some = queries.slice(0, 100);
  assert.deepEqual(await thread.routeBatch(some, POLICY), router.routeBatch(some, POLICY));
  const state = router.trafficState() ?? "";
  assert.equal(await thread.trafficState(), state);
  await thread.addTraffic(state);
  assert.equal(JSON.parse((await thread.trafficState()) ?? "").queries, 200);
  thread.free();
});

test("a bad state or option is refused, and nothing that was learnt is lost", async () => {
  const router = await Router.load(files, { learnShares: true });
  router.routeBatch(queries.slice(0, 50), POLICY);
  const state = router.trafficState();
  for (const bad of ["", "{}", "[1]", String(state).replace('"queries":50', '"queries":-50')]) {
    await refused(async () => router.addTraffic(bad), "traffic_bad_state");
    await refused(() => Router.load(files, { learnShares: { state: bad } }), "traffic_bad_state");
  }
  await refused(async () => router.addTraffic(untyped(undefined)), "argument_state");
  assert.equal(router.trafficState(), state);
  for (const learnShares of [1, "yes", null, {}, { state: 5 }]) {
    await refused(() => Router.load(files, { learnShares: untyped(learnShares) }), "argument_options");
  }
});

test("shares name candidates, and sum to 1", async () => {
  const router = await Router.load(files);
  const { strong = "", weak = "" } = router.info().head;
  assert.equal(router.route("Hello", { shares: { [strong]: 1, [weak]: 0 } }).model, strong);
  const { model, reason } = router.route("Hello", { shares: { [strong]: 0, [weak]: 1 } });
  assert.deepEqual([model, reason], [weak, "by_share"]);
  const of = (/** @type {unknown} */ shares) => async () => router.route("Hello", { shares: untyped(shares) });
  await refused(of({ [strong]: 0.5 }), "policy_out_of_range");
  await refused(of({ [strong]: 0.5, nobody: 0.5 }), "policy_unknown_model");
  await refused(of({ [strong]: "half" }), "argument_policy");
  await refused(of([0.5, 0.5]), "argument_policy");
});
