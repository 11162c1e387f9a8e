// `mode: observe`: the decision is logged, and the model asked for is called, or the strong one.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";

import { TINY } from "../hosts/paths.mjs";
import { alone, BUNDLE, decisionHeaders, everyCandidateAt, gateway, HURRIED } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { decided } from "./log-files.mjs";
import { openai } from "./openai-stand-in.mjs";
import { upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const WEAKEST = { "x-pointsman-threshold": "1" };
const STRONGEST = { "x-pointsman-threshold": "0" };
const PRICES = {
  [strong]: { inputPrice: 10, outputPrice: 30 },
  [weak]: { inputPrice: 1, outputPrice: 2 },
};

const there = await upstream();
const [watched, live] = [key("watched"), key("live", { mode: "on" })];
const common = {
  upstreams: everyCandidateAt(there, {}, PRICES),
  keys: [watched.entry, live.entry],
  buckets: /** @type {("LOG")[]} */ (["LOG"]),
  secrets: { LOG_SECRET: "a-secret-of-more-than-32-characters" },
};
const worker = await gateway({ ...common, gateway: { ...HURRIED, mode: "observe" } });
after(async () => {
  await worker.close();
  await there.close();
});

const near = (/** @type {number} */ found, /** @type {number} */ expected) =>
  assert.ok(Math.abs(found - expected) < 1e-9, `${found}, expected ${expected}`);

test("a routed request is answered by the strong model, and what routing chose is told and logged", async () => {
  there.does(openai());
  const response = await worker.chat({}, { ...bearer(watched), ...WEAKEST, "x-request-id": "o-1" });
  const headers = decisionHeaders(response);
  assert.deepEqual(
    [headers.model, headers.reason, headers.mode, headers.chosen, headers["chosen-reason"]],
    [strong, "observed", "observe", weak, "below_threshold"],
  );
  assert.equal(there.last().json.model, `${strong}-there`);
  const decision = await decided(worker, "o-1");
  assert.deepEqual(
    [decision.mode, decision.model, decision.chosen, decision.strong, decision.weak, decision.reason],
    ["observe", strong, weak, strong, weak, "observed"],
  );
  // 100 input and 50 output tokens.
  near(decision.cost, 0.0025);
  near(decision.chosen_cost, 0.0002);
  const manifest = readFileSync(join(TINY, "router.json"));
  const sha256 = createHash("sha256").update(manifest).digest("hex");
  assert.deepEqual(decision.bundle, { name: BUNDLE.name, sha256 });
});

test("a model that is named answers, and what routing would have chosen is logged", async () => {
  there.does(openai());
  const response = await worker.chat({ model: weak }, { ...bearer(watched), ...STRONGEST, "x-request-id": "o-2" });
  const headers = decisionHeaders(response);
  assert.deepEqual([headers.model, headers.reason, headers.chosen], [weak, "requested", strong]);
  const decision = await decided(worker, "o-2");
  assert.deepEqual([decision.mode, decision.model, decision.chosen], ["observe", weak, strong]);
  near(decision.chosen_cost, 0.0025);
  const score = { feedback_id: headers["feedback-id"], score: 1 };
  assert.equal((await worker.post("v1/feedback", score, bearer(watched))).status, 200, "it can be scored");
});

test("a stream's decision has the cost of what was chosen", async () => {
  there.does(openai());
  const stream = { stream: true };
  const response = await worker.chat(stream, { ...bearer(watched), ...WEAKEST, "x-request-id": "o-3" });
  await response.text();
  near((await decided(worker, "o-3")).chosen_cost, 0.0002);
});

test("a key's mode overrides the gateway's", async (t) => {
  there.does(openai());
  const on = await worker.chat({}, { ...bearer(live), ...WEAKEST, "x-request-id": "o-4" });
  const headers = decisionHeaders(on);
  assert.deepEqual([headers.model, headers.mode, headers.chosen], [weak, undefined, undefined]);
  const decision = await decided(worker, "o-4");
  assert.deepEqual([decision.mode, decision.model, decision.chosen], ["on", weak, weak]);
  assert.equal(decision.chosen_cost, undefined);
  const mixed = await alone(t, { ...common, keys: [key("slow", { mode: "observe" }).entry, live.entry] });
  const observed = await mixed.chat({}, { ...bearer(key("slow")), ...WEAKEST });
  assert.equal(decisionHeaders(observed).model, strong);
});

test("what the request or its key excludes is not called by observing", async () => {
  there.does(openai());
  const response = await worker.chat({}, { ...bearer(watched), "x-pointsman-exclude": strong });
  assert.equal(decisionHeaders(response).model, weak);
});

test("a session does not move an observed decision, and a request that cannot be routed is answered", async (t) => {
  there.does(openai());
  const sessions = await alone(t, { ...common, ledger: true, gateway: { mode: "observe" } });
  const headers = { ...bearer(watched), "x-pointsman-session": "s-1" };
  await (await sessions.chat({}, { ...headers, ...STRONGEST })).text();
  const second = await sessions.chat({}, { ...headers, ...WEAKEST });
  assert.deepEqual([decisionHeaders(second).chosen, decisionHeaders(second).model], [weak, strong]);
  const odd = await worker.chat({ model: weak, messages: "no list" }, bearer(watched));
  assert.equal(odd.status, 200);
  assert.equal(decisionHeaders(odd).chosen, undefined);
});
