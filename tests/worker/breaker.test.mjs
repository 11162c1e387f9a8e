// The circuit breaker: an upstream that fails repeatedly is not called for a while, by one caller or by all.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { BUNDLE, decisionHeaders, everyCandidateAt, gateway, refused, WITH_CLOCK } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { openai } from "./openai-stand-in.mjs";
import { deferred, hangUp, inTurn, status, upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const OPEN_MS = 10_000;
const STRONGEST = { "x-pointsman-threshold": "0" };
const REFUSALS = [400, 401, 403, 404, 413, 422, 429];
const [ann, bob, cat] = ["ann", "bob", "cat"].map((name) => key(name));

const there = await upstream();
const other = await upstream();
after(() => Promise.all([there.close(), other.close()]));

/**
 * A Worker whose circuits open at the third failure, with three callers, and a function that sets its
 * clock forward.
 * @param {import("node:test").TestContext} t
 * @param {object} upstreams
 */
async function worker(t, upstreams) {
  there.does(openai());
  other.does(openai());
  const one = await gateway({
    upstreams,
    main: WITH_CLOCK,
    gateway: { open: true, retries: { most: 0 }, breaker: { failures: 3, openMs: OPEN_MS } },
    keys: [ann, bob, cat].map(({ entry }) => entry),
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
  const asked = { ...STRONGEST, ...bearer(ann) };
  for (let i = 0; i < 3; i += 1) assert.equal((await chat({}, asked)).status, 500);
  const response = await chat({}, asked);
  const { model, reason } = decisionHeaders(response);
  assert.deepEqual([response.status, model, reason], [200, weak, "only_candidate"]);
});

test("if every candidate's circuit is open, routed requests are refused with upstreams_resting", async (t) => {
  const { chat } = await worker(t, apart);
  for (const one of [there, other]) one.does(status(500));
  for (const model of [strong, weak]) for (let i = 0; i < 3; i += 1) await chat({ model });
  await refused(chat(), 503, "upstreams_resting");
});

/** Answers 500 to a message that says "crash", and else as OpenAI. */
const crashing = (/** @type {import("./openai-stand-in.mjs").Answer} */ otherwise) =>
  /** @type {import("./openai-stand-in.mjs").Answer} */ (
    (request, response, body, number) => (/crash/.test(body) ? status(500) : otherwise)(request, response, body, number)
  );
const CRASH = { model: "only", messages: [{ role: "user", content: "crash" }] };

test("a caller whose inputs make an upstream fail shuts out itself alone", async (t) => {
  const { chat } = await worker(t, { only: { baseUrl: there.url } });
  there.does(crashing(openai()));
  for (let i = 0; i < 3; i += 1) assert.equal((await chat(CRASH, bearer(ann))).status, 500);
  await refused(chat(CRASH, bearer(ann)), 503, "upstreams_resting");
  for (const headers of [bearer(bob), bearer(cat), {}]) {
    assert.equal((await chat({ model: "only" }, headers)).status, 200);
  }
});

test("an upstream that fails for several callers is skipped for all, although one sends most requests", async (t) => {
  const { chat } = await worker(t, { only: { baseUrl: there.url } });
  for (const one of [ann, bob, cat]) assert.equal((await chat({ model: "only" }, bearer(one))).status, 200);
  there.does(status(500));
  for (let i = 0; i < 10; i += 1) await chat({ model: "only" }, bearer(ann));
  assert.equal(there.requests.length, 3);
  assert.equal((await chat({ model: "only" }, bearer(bob))).status, 500);
  await refused(chat({ model: "only" }, bearer(cat)), 503, "upstreams_resting");
});

test("what says nothing of an upstream restarts no count: refused, untranslatable, without a secret, redirected", async (t) => {
  const upstreams = {
    ...Object.fromEntries(REFUSALS.map((code) => [`only-${code}`, { baseUrl: there.url }])),
    claude: { baseUrl: there.url, api: "anthropic" },
    moved: { baseUrl: other.url },
    secret: { baseUrl: there.url, keySecret: "NOT_BOUND" },
  };
  const { chat } = await worker(t, upstreams);
  for (const refusal of REFUSALS) {
    there.does(inTurn(status(500), status(refusal), status(500), status(refusal), status(500)));
    // A refusal of the gateway's own key is told as an error of the gateway.
    const told = [401, 403].includes(refusal) ? 502 : refusal;
    for (const expected of [500, told, 500, told, 500]) {
      assert.equal((await chat({ model: `only-${refusal}` }, bearer(ann))).status, expected);
    }
    await refused(chat({ model: `only-${refusal}` }, bearer(ann)), 503, "upstreams_resting");
  }
  there.does(status(500));
  for (let i = 0; i < 3; i += 1) {
    await refused(chat({ model: "claude", n: 2 }, bearer(bob)), 400, "field_unsupported");
    assert.equal((await chat({ model: "claude" }, bearer(bob))).status, 500);
  }
  await refused(chat({ model: "claude" }, bearer(bob)), 503, "upstreams_resting");
  other.does(status(302, { location: "https://elsewhere.example" }));
  for (let i = 0; i < 5; i += 1) {
    await refused(chat({ model: "moved" }, bearer(cat)), 502, "upstream_bad_status");
    await refused(chat({ model: "secret" }, bearer(cat)), 500, "upstream_key_missing");
  }
});

test("a caller that takes a trial leaves the next one to others", async (t) => {
  const { chat, pass } = await worker(t, { only: { baseUrl: there.url } });
  there.does(status(500));
  for (const one of [ann, ann, bob]) assert.equal((await chat({ model: "only" }, bearer(one))).status, 500);
  there.does(crashing(openai()));
  await refused(chat({ model: "only" }, bearer(cat)), 503, "upstreams_resting");
  await pass(OPEN_MS + 1000);
  assert.equal((await chat(CRASH, bearer(ann))).status, 500);
  await pass(OPEN_MS + 1000);
  await refused(chat(CRASH, bearer(ann)), 503, "upstreams_resting");
  assert.equal((await chat({ model: "only" }, bearer(cat))).status, 200);
  assert.equal((await chat({ model: "only" }, bearer(bob))).status, 200);
});
