// Sessions: a conversation keeps the model that answered it until routing asks for a stronger one.

/** @import { SentHeaders } from "./gateway.mjs" */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";

import {
  alone,
  BUNDLE,
  decisionHeaders,
  everyCandidateAt,
  gateway,
  HURRIED,
  ledgerOf,
  refused,
  WITH_CLOCK,
} from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { openai } from "./openai-stand-in.mjs";
import { status, until, upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const HOUR = 60 * 60 * 1000;
const [STRONG, WEAK] = ["0", "1"].map((threshold) => ({ "x-pointsman-threshold": threshold }));
const [ann, bob] = [key("ann"), key("bob")];

const there = await upstream();
const worker = await start();
after(async () => {
  await worker.close();
  await there.close();
});

function start(upstreams = everyCandidateAt(there)) {
  return gateway({ upstreams, keys: [ann.entry, bob.entry], ledger: true, gateway: HURRIED, main: WITH_CLOCK });
}

const newSession = () => `s-${randomUUID()}`;

/**
 * Model and reason of a request in a session.
 * @param {string} session
 * @param {SentHeaders} headers
 */
async function ask(session, headers, who = ann, on = worker) {
  const response = await on.chat({}, { ...bearer(who), "x-pointsman-session": session, ...headers });
  assert.equal(response.status, 200, await response.clone().text());
  const { model, reason } = decisionHeaders(response);
  return [model, reason];
}

/**
 * Repeats a request until the session's model is stored, which happens after an answer.
 * @type {(session: string, headers: SentHeaders, model: string) => Promise<true>}
 */
const remembered = (session, headers, model) =>
  until(async () => {
    const [found, reason] = await ask(session, headers);
    return found === model && reason === "pinned";
  }, `${model} being pinned`);

test("a session keeps its strong model when routing would choose a weaker one", async () => {
  there.does(openai());
  const session = newSession();
  assert.deepEqual(await ask(session, STRONG), [strong, "above_threshold"]);
  await remembered(session, WEAK, strong);
  assert.deepEqual(await ask(session, WEAK), [strong, "pinned"]);
});

test("a session leaves its weak model when routing asks for a stronger one", async () => {
  there.does(openai());
  const session = newSession();
  assert.deepEqual(await ask(session, WEAK), [weak, "below_threshold"]);
  await until(async () => (await pinnedIn(session)) === weak);
  assert.deepEqual(await ask(session, STRONG), [strong, "above_threshold"]);
  await remembered(session, WEAK, strong);
});

/**
 * The model that the ledger has for ann's session.
 * @param {string} session
 */
async function pinnedIn(session) {
  return (await ledgerOf(worker, `session:ann:${session}`)).pinned({ now: Date.now() });
}

test("equal session names of different keys name different sessions; a request without the header has no session", async () => {
  there.does(openai());
  const session = newSession();
  await ask(session, STRONG);
  await remembered(session, WEAK, strong);
  assert.deepEqual(await ask(session, WEAK, bob), [weak, "below_threshold"]);
  assert.deepEqual(await ask(newSession(), WEAK), [weak, "below_threshold"]);
  const { model, reason } = decisionHeaders(await worker.chat({}, { ...bearer(ann), ...WEAK }));
  assert.deepEqual([model, reason], [weak, "below_threshold"]);
});

test("a model that the caller names or excludes wins over the session", async () => {
  there.does(openai());
  const session = newSession();
  await ask(session, STRONG);
  await remembered(session, WEAK, strong);
  const named = await worker.chat({ model: weak }, { ...bearer(ann), "x-pointsman-session": session });
  assert.deepEqual([decisionHeaders(named).model, decisionHeaders(named).reason], [weak, "requested"]);
  assert.equal((await ask(session, { ...WEAK, "x-pointsman-exclude": strong }))[0], weak);
});

test("the session keeps the model that answered, even a fallback", async (t) => {
  const upstreams = everyCandidateAt(there, {}, { [weak]: { fallbacks: [strong] } });
  const one = await start(upstreams);
  t.after(() => one.close());
  there.does((request, response, body, number) =>
    (JSON.parse(body).model.startsWith(weak) ? status(401) : openai())(request, response, body, number),
  );
  const session = newSession();
  assert.equal((await ask(session, WEAK, ann, one))[0], strong);
  there.does(openai());
  await until(async () => (await ask(session, WEAK, ann, one))[0] === strong, "the pin of the fallback");
  assert.deepEqual(await ask(session, WEAK, ann, one), [strong, "pinned"]);
});

test("a failed answer does not change the session", async () => {
  const session = newSession();
  there.does(status(422));
  const failed = await worker.chat({}, { ...bearer(ann), "x-pointsman-session": session, ...STRONG });
  assert.equal(failed.status, 422);
  there.does(openai());
  assert.deepEqual(await ask(session, WEAK), [weak, "below_threshold"]);
});

test("a session that was not used for an hour is deleted", async (t) => {
  const one = await start();
  t.after(() => one.close());
  there.does(openai());
  const session = newSession();
  await ask(session, STRONG, ann, one);
  await until(async () => (await ask(session, WEAK, ann, one))[1] === "pinned");
  await one.send("POST", `advance?ms=${HOUR + 60_000}`, "");
  assert.deepEqual(await ask(session, WEAK, ann, one), [weak, "below_threshold"]);
});

test("a session's id is short and plain", async () => {
  there.does(openai());
  for (const id of ["a b", "a/b", "x".repeat(129), ""]) {
    await refused(worker.chat({}, { ...bearer(ann), "x-pointsman-session": id }), 400, "session_ill_formed");
  }
  assert.equal((await worker.chat({}, { ...bearer(ann), "x-pointsman-session": "user:42" })).status, 200);
});

test("only a caller with a key has a session", async (t) => {
  there.does(openai());
  const open = await alone(t, { upstream: there, gateway: { open: true }, keys: [ann.entry], ledger: true });
  await refused(open.chat({}, { "x-pointsman-session": "s" }), 403, "session_not_allowed");
  assert.equal((await open.chat({}, { ...bearer(ann), "x-pointsman-session": "s" })).status, 200);
});

test("without the ledger a request with a session is refused", async (t) => {
  const one = await alone(t, { upstream: there, keys: [ann.entry] });
  await refused(one.chat({}, { ...bearer(ann), "x-pointsman-session": "s" }), 500, "binding_missing");
});
