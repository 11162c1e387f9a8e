// `rollout`: a candidate for some keys or sessions, and its automatic return.

/** @import { TestContext } from "node:test" */
/** @import { Options } from "./gateway.mjs" */

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { listening } from "../../web/serve.mjs";
import { bundleFiles, ROOT, TINY } from "../hosts/paths.mjs";
import { alone, BUNDLE, decisionHeaders, everyCandidateAt, gateway, HURRIED, WITH_CLOCK } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { decided, files } from "./log-files.mjs";
import { openai } from "./openai-stand-in.mjs";
import { LOG_SECRET, shadowed } from "./shadowed.mjs";
import { status, until, upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const WEAKEST = { "x-pointsman-threshold": "1" };
const OTHER = { name: "tiny-ridge-static", files: bundleFiles(join(ROOT, "tests/fixtures/kinds/ridge-static")) };
const sha256 = (/** @type {string | Uint8Array} */ bytes) => createHash("sha256").update(bytes).digest("hex");
const keys = Array.from({ length: 12 }, (_, at) => key(`key-${at}`));
const [tried, spared] = [key("tried"), key("spared")];
const there = await upstream(openai());
after(() => there.close());

/** @type {Options} */
const common = {
  upstreams: everyCandidateAt(there),
  keys: [...keys, tried, spared].map(({ entry }) => entry),
  buckets: ["LOG", "BUNDLES"],
  secrets: { LOG_SECRET },
  ledger: true,
  main: WITH_CLOCK,
};

/**
 * A Worker whose bucket names the deployed bundle and a candidate.
 * @param {TestContext} t
 * @param {object} rollout
 * @param {Options} [options]
 */
async function rolling(t, rollout, options = {}) {
  const worker = await alone(t, { ...common, gateway: { ...HURRIED, rollout }, ...options });
  await offerCandidate(worker);
  return worker;
}

/** @param {Awaited<ReturnType<typeof gateway>>} worker */
async function offerCandidate(worker) {
  const bucket = await worker.miniflare.getR2Bucket("BUNDLES");
  const current = { name: BUNDLE.name, files: bundleFiles(TINY) };
  for (const [prefix, bundle] of /** @type {const} */ ([
    ["now/", current],
    ["next/", OTHER],
  ])) {
    for (const [name, bytes] of Object.entries(bundle.files)) await bucket.put(`${prefix}${name}`, bytes);
  }
  const address = (/** @type {string} */ prefix, /** @type {typeof current} */ bundle) => ({
    prefix,
    sha256: sha256(bundle.files["router.json"]),
  });
  const file = { ...address("now/", current), candidate: address("next/", OTHER) };
  await bucket.put("current.json", JSON.stringify(file));
}

const health = async (/** @type {Awaited<ReturnType<typeof gateway>>} */ worker) =>
  (await worker.get("healthz")).json();
const later = (/** @type {Awaited<ReturnType<typeof gateway>>} */ worker, ms = 11_000) =>
  worker.send("POST", `advance?ms=${ms}`, "");

test("a percentage of keys is decided by the candidate bundle, always the same ones", async (t) => {
  const rollout = { percent: 50, keys: { on: ["tried"], off: ["spared"] } };
  const worker = await rolling(t, rollout);
  const routers = async () => {
    const asked = keys.map((one) => worker.chat({}, bearer(one)));
    return (await Promise.all(asked)).map((response) => decisionHeaders(response).router);
  };
  const first = await routers();
  const count = first.filter((router) => router === OTHER.name).length;
  assert.ok(count > 0 && count < keys.length, first.join());
  assert.deepEqual(await routers(), first);
  const of = async (/** @type {typeof tried} */ who) => {
    const response = await worker.chat({}, { ...bearer(who), "x-request-id": who.entry.name });
    return [decisionHeaders(response).router, (await decided(worker, who.entry.name)).arm];
  };
  assert.deepEqual(await of(tried), [OTHER.name, "candidate"]);
  assert.deepEqual(await of(spared), [BUNDLE.name, "current"]);
  const decision = await decided(worker, "tried");
  const unit = "pointsman rollout 1\ntried";
  assert.equal(decision.session_key, createHmac("sha256", LOG_SECRET).update(unit).digest("hex"));
  assert.equal(decision.bundle.sha256, sha256(OTHER.files["router.json"]));
  assert.deepEqual((await health(worker)).rollout, { candidate: OTHER.name, percent: 50, state: "running" });
});

test("a sticky session keeps its arm, and another session of the key may have the other", async (t) => {
  const worker = await rolling(t, { percent: 50, sticky: "session" });
  const of = async (/** @type {number} */ session) => {
    const headers = { ...bearer(keys[0]), "x-pointsman-session": `s-${session}` };
    return decisionHeaders(await worker.chat({}, headers)).router;
  };
  const sessions = Array.from({ length: 12 }, (_, at) => at);
  const first = await Promise.all(sessions.map(of));
  assert.equal(new Set(first).size, 2, first.join());
  assert.deepEqual(await Promise.all(sessions.map(of)), first);
});

test("without a candidate in the bucket, or with one that cannot be loaded, everything stays as it was", async (t) => {
  const none = await alone(t, { ...common, gateway: { rollout: { percent: 100 } } });
  assert.equal(decisionHeaders(await none.chat({}, bearer(tried))).router, BUNDLE.name);
  assert.equal((await health(none)).rollout, undefined);
  const broken = await alone(t, { ...common, gateway: { rollout: { percent: 100 } } });
  const bucket = await broken.miniflare.getR2Bucket("BUNDLES");
  await offerCandidate(broken);
  await bucket.put("next/model.onnx", "damaged");
  const response = await broken.chat({}, bearer(tried));
  assert.deepEqual([response.status, decisionHeaders(response).router], [200, BUNDLE.name]);
  assert.match((await health(broken)).candidate_bundle, /^bundle_/);
});

test("mode on for a percentage, while the others observe", async (t) => {
  const rollout = { percent: 0, candidate: "on", keys: { on: ["tried"] } };
  const worker = await alone(t, { ...common, gateway: { ...HURRIED, rollout } });
  const on = decisionHeaders(await worker.chat({}, { ...bearer(tried), ...WEAKEST }));
  assert.deepEqual([on.model, on.mode], [weak, undefined]);
  const observed = decisionHeaders(await worker.chat({}, { ...bearer(spared), ...WEAKEST }));
  assert.deepEqual([observed.model, observed.mode, observed.chosen], [strong, "observe", weak]);
});

/** A webhook that records what is posted. @param {TestContext} t */
async function hook(t) {
  /** @type {{body: string, signature: string}[]} */
  const posted = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const signature = String(request.headers["x-pointsman-signature"]);
    posted.push({ body: Buffer.concat(chunks).toString("utf8"), signature });
    response.end();
  });
  const { url, close } = await listening(server);
  t.after(close);
  return { url: url.href, posted };
}

test("errors above the bound return the candidate, told in the log, by the webhook and in healthz", async (t) => {
  const { url, posted } = await hook(t);
  const persist = await mkdtemp(join(tmpdir(), "pointsman-rollout-"));
  t.after(() => rm(persist, { recursive: true, force: true }));
  const rollout = { percent: 100, keys: { off: ["spared"] }, return: { errorsAbove: 0.1, least: 20 }, webhook: url };
  const breaker = { failures: 1000 };
  const settings = { ...HURRIED, retries: { most: 0 }, breaker, rollout };
  const worker = await gateway({ ...common, persist, gateway: settings });
  await offerCandidate(worker);
  there.does(status(500));
  t.after(() => there.does(openai()));
  let asked = 0;
  while (asked < 200) {
    const response = await worker.chat({}, bearer(tried));
    if (decisionHeaders(response).router !== OTHER.name) break;
    asked++;
  }
  assert.ok(asked >= 20 && asked < 60, `${asked} requests before the return`);
  const [file] = await until(
    async () => {
      const found = await files(worker, "rollout/events/");
      return found.length > 0 && found;
    },
    "the event",
    30_000,
  );
  const event = JSON.parse(file.text ?? "");
  assert.deepEqual(
    [event.format, event.kind, event.metric, event.bound, event.value],
    [1, "returned", "errors", 0.1, 1],
  );
  assert.ok(event.low > 0.1 && event.low < event.high && event.count >= 20 && event.count <= asked + 2);
  assert.equal(event.from.sha256, sha256(OTHER.files["router.json"]));
  assert.equal(event.to.name, BUNDLE.name);
  const { body, signature } = await until(() => posted[0], "the webhook", 30_000);
  assert.deepEqual(JSON.parse(body), event);
  assert.equal(signature, `sha256=${createHmac("sha256", LOG_SECRET).update(body).digest("hex")}`);
  const { rollout: told, warnings } = await health(worker);
  assert.deepEqual([told.state, told.metric, told.at], ["returned", "errors", event.at]);
  assert.ok(warnings.includes("rollout_returned"));
  await worker.close();
  // A restart does not forget it, and does not tell it again.
  there.does(openai());
  const again = await gateway({ ...common, persist, gateway: settings });
  assert.equal(decisionHeaders(await again.chat({}, bearer(tried))).router, BUNDLE.name);
  assert.equal((await health(again)).rollout.state, "returned");
  assert.equal(posted.length, 1);
  // A new name tries the same bundle again.
  const renamed = { ...settings, rollout: { ...rollout, name: "second" } };
  await again.close();
  const second = await alone(t, { ...common, persist, gateway: renamed });
  assert.equal(decisionHeaders(await second.chat({}, bearer(tried))).router, OTHER.name);
});

test("low feedback returns routing to observing", async (t) => {
  const bounds = { feedbackBelow: 0.6, least: 10 };
  const rollout = { percent: 100, candidate: "on", return: bounds };
  const worker = await alone(t, { ...common, gateway: { ...HURRIED, rollout, log: { content: true } } });
  let mode;
  for (let count = 0; count < 80 && mode === undefined; count++) {
    const response = await worker.chat({}, { ...bearer(tried), ...WEAKEST });
    const headers = decisionHeaders(response);
    mode = headers.mode;
    if (mode !== undefined) break;
    const score = { feedback_id: headers["feedback-id"], score: 0 };
    await until(async () => (await worker.post("v1/feedback", score, bearer(tried))).status === 200, "a score", 30_000);
  }
  assert.equal(mode, "observe");
  const [{ text }] = await files(worker, "rollout/events/");
  const event = JSON.parse(text ?? "");
  assert.deepEqual([event.to, event.metric, event.value], ["observe", "feedback", 0]);
  assert.ok(event.count < 40, `${event.count}`);
});

test("verdicts against what a bad candidate chooses return it", async (t) => {
  const rollout = { percent: 100, return: { shadowBelow: 0.5, least: 10 } };
  const { worker } = await shadowed(t, {
    keys: [tried.entry],
    buckets: ["LOG", "BUNDLES"],
    gateway: { rollout },
  });
  await offerCandidate(worker);
  let count = 0;
  for (; count < 120; count++) {
    const headers = decisionHeaders(await worker.chat({}, { ...bearer(tried), ...WEAKEST }));
    if (headers.router !== OTHER.name) break;
  }
  await until(async () => (await files(worker, "rollout/events/")).length > 0, "the event", 30_000);
  const event = JSON.parse((await files(worker, "rollout/events/"))[0].text ?? "");
  assert.deepEqual([event.metric, event.value], ["shadow", 0]);
  const last = decisionHeaders(await worker.chat({}, { ...bearer(tried), ...WEAKEST }));
  assert.equal(last.router, BUNDLE.name);
});

test("where the counts cannot be read nobody gets the candidate, and bindings that are missing are named", async (t) => {
  const rollout = { percent: 100, return: { errorsAbove: 0.1 } };
  const worker = await rolling(t, rollout, { ledger: false });
  assert.equal((await worker.chat({}, bearer(tried))).status, 500);
  assert.ok(worker.log.some((line) => line.includes("LEDGER")));
});

test("a look every ten seconds shows an isolate the return that another one made", async (t) => {
  const rollout = { percent: 100, return: { errorsAbove: 0.1, least: 5 } };
  const worker = await rolling(t, rollout);
  there.does(openai());
  assert.equal(decisionHeaders(await worker.chat({}, bearer(tried))).router, OTHER.name);
  const objects = await worker.miniflare.getDurableObjectNamespace("LEDGER");
  const object = /** @type {any} */ (objects.get(objects.idFromName("rollout")));
  const id = `:${sha256(OTHER.files["router.json"])}`;
  for (let at = 0; at < 60; at++) {
    await object.observe({
      id,
      metric: "errors",
      value: 1,
      bounds: rollout.return,
      now: Date.now(),
      name: "elsewhere",
    });
  }
  await until(
    async () => {
      await later(worker);
      return decisionHeaders(await worker.chat({}, bearer(tried))).router === BUNDLE.name;
    },
    "the return",
    30_000,
  );
});
