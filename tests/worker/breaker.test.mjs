// The circuit breaker: an upstream that fails repeatedly is not called for a while.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { BUNDLE, decisionHeaders, everyCandidateAt, gateway, refused, WITH_CLOCK } from "./gateway.mjs";
import { openai } from "./openai-stand-in.mjs";
import { deferred, hangUp, inTurn, status, upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const OPEN_MS = 10_000;
const STRONGEST = { "x-pointsman-threshold": "0" };

const there = await upstream();
const other = await upstream();
after(() => Promise.all([there.close(), other.close()]));

/**
 * A Worker whose circuits open at the third failure, and a function that sets its clock forward.
 * @param {import("node:test").TestContext} t
 * @param {object} upstreams
 */
async function worker(t, upstreams) {
  there.does(openai());
  other.does(openai());
  const one = await gateway({
    upstreams,
    main: WITH_CLOCK,
    gateway: { retries: { most: 0 }, breaker: { failures: 3, openMs: OPEN_MS } },
  });
  t.after(() => one.close());
  return { ...one, pass: (/** @type {number} */ ms) => one.send("POST", `advance?ms=${ms}`, "") };
}

const apart = { [strong]: { baseUrl: there.url }, [weak]: { baseUrl: other.url } };

test("after the configured failures in a row an upstream is skipped, and then one request tries it", async (t) => {
  const { chat, pass } = await worker(t, { only: { baseUrl: there.url } });
  there.does(status(500));
  for (let i = 0; i < 3; i += 1) assert.equal((await chat({ model: "only" })).status, 500);
  await refused(chat({ model: "only" }), 503, "upstreams_resting");
  assert.equal(there.requests.length, 3);
  await pass(OPEN_MS + 1000);
  const held = deferred();
  const asked = deferred();
  there.does(async (request, response, body, number) => {
    asked.resolve();
    await held.promise;
    openai()(request, response, body, number);
  });
  const probe = chat({ model: "only" });
  await asked.promise;
  await refused(chat({ model: "only" }), 503, "upstreams_resting");
  held.resolve();
  assert.equal((await probe).status, 200);
  assert.equal((await chat({ model: "only" })).status, 200);
});

test("a failed trial keeps the circuit open", async (t) => {
  const { chat, pass } = await worker(t, { only: { baseUrl: there.url } });
  there.does(hangUp);
  for (let i = 0; i < 3; i += 1) await refused(chat({ model: "only" }), 502, "upstream_unreachable");
  await pass(OPEN_MS + 1000);
  await refused(chat({ model: "only" }), 502, "upstream_unreachable");
  await refused(chat({ model: "only" }), 503, "upstreams_resting");
  assert.equal(there.requests.length, 4);
});

test("a success restarts the count of failures, and the caller's faults do not count", async (t) => {
  const { chat } = await worker(t, { only: { baseUrl: there.url } });
  there.does(inTurn(status(500), status(500), openai(), status(500), status(500), status(422), status(422), openai()));
  const statuses = [];
  for (let i = 0; i < 8; i += 1) statuses.push((await chat({ model: "only" })).status);
  assert.deepEqual(statuses, [500, 500, 200, 500, 500, 422, 422, 200]);
});

test("the fallback of an upstream with an open circuit answers at once", async (t) => {
  const upstreams = {
    ...everyCandidateAt(there),
    first: { baseUrl: there.url, fallbacks: ["second"] },
    second: { baseUrl: other.url },
  };
  const { chat } = await worker(t, upstreams);
  there.does(status(500));
  for (let i = 0; i < 3; i += 1) assert.equal(decisionHeaders(await chat({ model: "first" })).attempts, "2");
  const { model, attempts } = decisionHeaders(await chat({ model: "first" }));
  assert.deepEqual([model, attempts, there.requests.length], ["second", "1", 3]);
});

test("a candidate with an open circuit is excluded before the decision while another is left", async (t) => {
  const { chat } = await worker(t, apart);
  there.does(status(500));
  for (let i = 0; i < 3; i += 1) assert.equal((await chat({}, STRONGEST)).status, 500);
  const response = await chat({}, STRONGEST);
  const { model, reason } = decisionHeaders(response);
  assert.deepEqual([response.status, model, reason], [200, weak, "only_candidate"]);
});

test("if every candidate's circuit is open, routed requests are refused with upstreams_resting", async (t) => {
  const { chat } = await worker(t, apart);
  for (const one of [there, other]) one.does(status(500));
  for (const model of [strong, weak]) for (let i = 0; i < 3; i += 1) await chat({ model });
  await refused(chat(), 503, "upstreams_resting");
});
