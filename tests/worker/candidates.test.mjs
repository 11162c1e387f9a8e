// The configuration's own models in place of a bundle's candidates: role, tier, ability, outcomes.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { writeDifficulty } from "../hosts/difficulty.mjs";
import { alone, BUNDLE, decisionHeaders, gateway } from "./gateway.mjs";
import { upstream } from "./stand-ins.mjs";

const scratch = await mkdtemp(join(tmpdir(), "pointsman-own-models-"));
const bundle = join(scratch, "bundle");
await writeDifficulty(bundle);
const one = await upstream();
const at = (/** @type {object} */ fields = {}) => ({ baseUrl: one.url, ...fields });
const upstreams = {
  "gpt-large": at({ role: "large", inputPrice: 2, outputPrice: 8 }),
  middle: at({ tier: "medium" }),
  "my-small": at({ ability: { intercept: -2, slopes: [1.5, 0] } }),
  other: at(),
};
const worker = await gateway({ bundle, upstreams });
after(async () => {
  await worker.close();
  await one.close();
  await rm(scratch, { recursive: true });
});

/** @param {object} policy */
const route = async (policy, query = "What is 2 + 2?") => (await worker.post("v1/route", { query, policy })).json();

test("requests are routed to the configuration's models by their own names", async () => {
  for (const [threshold, model] of /** @type {const} */ ([
    ["0", "gpt-large"],
    ["1", "my-small"],
  ])) {
    const answer = await worker.chat({}, { "x-pointsman-threshold": threshold });
    assert.equal(answer.status, 200);
    assert.equal(decisionHeaders(answer).model, model);
    await answer.body?.cancel();
  }
  const { scores, estimatedCost } = await route({ threshold: 0 });
  const names = scores.map((/** @type {{model: string}} */ { model }) => model);
  assert.deepEqual(names, ["gpt-large", "middle", "my-small"]);
  assert.ok(scores[0].score > scores[1].score && scores[1].score > scores[2].score);
  assert.ok(estimatedCost > 0);
  const models = await (await worker.get("v1/models")).json();
  assert.deepEqual(
    models.data.map((/** @type {{id: string}} */ { id }) => id),
    ["auto", "tiny-difficulty", ...names, "other"],
  );
});

test("more than two models have shares, and the pair's are calibrated for it", async () => {
  const shares = { "gpt-large": 0.2, middle: 0.3, "my-small": 0.5 };
  const { reason, model } = await route({ shares });
  assert.equal(reason, "by_share");
  assert.ok(model in shares);
  const half = await route({ strongShare: 0.5 });
  const fewer = await route({ strongShare: 0.2 });
  assert.ok(fewer.threshold > half.threshold, `${fewer.threshold} above ${half.threshold}`);
});

test("outcomes and a stated pair count", async (t) => {
  const outcomes = Array.from({ length: 30 }, (_, i) => ({ query: `Prove ${i}.`, score: 1 }));
  const own = { small: at(), new: at({ tier: "large", outcomes }), "a-large": at({ tier: "large" }) };
  const ablest = await alone(t, { bundle, upstreams: own });
  const policy = { threshold: 0 };
  const strong = async (/** @type {typeof ablest} */ { post }) =>
    (await (await post("v1/route", { query: "Hello", policy })).json()).model;
  assert.equal(await strong(ablest), "new");
  const stated = await alone(t, { bundle, upstreams: own, gateway: { routing: { strong: "a-large" } } });
  assert.equal(await strong(stated), "a-large");
});

test("a role renames a candidate of another kind", async (t) => {
  const renamed = await alone(t, { upstreams: { mine: at({ role: BUNDLE.strong }), [BUNDLE.weak]: at() } });
  const answer = await renamed.chat({}, { "x-pointsman-threshold": "0" });
  assert.equal(decisionHeaders(answer).model, "mine");
  await answer.body?.cancel();
});

test("models that do not fit the bundle are named in the log", async (t) => {
  const wrong = async (/** @type {object} */ given, /** @type {RegExp} */ words, routing = {}) => {
    const faulty = await alone(t, { bundle, upstreams: given, gateway: { routing } });
    const answer = await faulty.chat();
    assert.equal(answer.status, 500);
    assert.equal((await answer.json()).error.code, "config_invalid");
    assert.match(faulty.log.join("\n"), words);
  };
  await wrong({ x: at({ role: "huge" }) }, /"x": role is "huge", .* expected one of small, large/);
  await wrong({ x: at({ tier: "huge" }) }, /"x": tier is "huge"/);
  await wrong({ x: at({ ability: { intercept: 1, slopes: [1] } }) }, /"x": the ability has 1 slopes: expected 2/);
  await wrong({ x: at({ outcomes: [{ query: "q", score: 3 }] }) }, /"x": score 0 is 3/);
  await wrong({ x: at({ tier: "large" }) }, /strong is "gone"/, { strong: "gone" });
  const mf = await alone(t, { upstreams: { x: at({ tier: "large" }) } });
  assert.equal((await mf.chat()).status, 500);
  assert.match(mf.log.join("\n"), /kind "mf"/);
});
