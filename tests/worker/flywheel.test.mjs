// Logs: decisions and outcomes in R2, data points in Analytics Engine.

/** @import { DataPoint } from "../../worker/js/stand-ins/analytics.mjs" */
/** @import { Gateway, Options, SentHeaders } from "./gateway.mjs" */

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { after, test } from "node:test";

import { alone, BUNDLE, decisionHeaders, everyCandidateAt, gateway, HURRIED, refused } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { decided, decisions, files } from "./log-files.mjs";
import { openai } from "./openai-stand-in.mjs";
import { inTurn, status, until, upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const QUERY = "What is the capital city of the country?";
const [ann, bob] = [key("ann"), key("bob")];
const STRONGEST = { "x-pointsman-threshold": "0" };
const LOG_SECRET = "a-secret-of-more-than-32-characters";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const there = await upstream();
/** @type {DataPoint[]} */
const points = [];
/** @type {Options} */
const common = {
  upstream: there,
  keys: [ann.entry, bob.entry],
  buckets: ["LOG"],
  secrets: { LOG_SECRET },
  analytics: (point) => points.push(point),
};
const worker = await gateway({ ...common, gateway: { ...HURRIED, log: { content: true } } });
after(async () => {
  await worker.close();
  await there.close();
});

/** @type {(on: Gateway, id: string, fields?: object, headers?: SentHeaders) => Promise<Response>} */
const asked = (on, id, fields = {}, headers = {}) =>
  on.chat(
    { messages: [{ role: "user", content: QUERY }], ...fields },
    { ...bearer(ann), ...STRONGEST, "x-request-id": id, ...headers },
  );

const feedbackId = (/** @type {Response} */ response) => response.headers.get("x-pointsman-feedback-id") ?? "";

/** @type {(on: Gateway, response: Response, score: number, who?: typeof ann) => Promise<Response>} */
const scored = (on, response, score, who = ann) =>
  on.post("v1/feedback", { feedback_id: feedbackId(response), score }, bearer(who));

test("a decision is logged with its attempts, tokens and cost", async () => {
  there.does(inTurn(status(503), openai()));
  const response = await asked(worker, "d-1");
  const headers = decisionHeaders(response);
  const decision = await decided(worker, "d-1");
  assert.deepEqual(
    [decision.id, decision.model, decision.reason, decision.query],
    ["d-1", strong, "above_threshold", QUERY],
  );
  assert.deepEqual([decision.attempts, decision.status, decision.key, decision.router], [2, 200, "ann", BUNDLE.name]);
  assert.deepEqual([decision.input_tokens, decision.output_tokens], [100, 50]);
  assert.ok(Math.abs(decision.cost - 0.0025) < 1e-9);
  assert.ok(Math.abs(decision.win_rate - Number(headers["win-rate"])) < 1e-5);
  assert.deepEqual([decision.threshold, decision.propensity], [0, null]);
  assert.ok(decision.total_ms >= decision.first_ms && decision.first_ms >= 0);
});

test("a stream's decision is logged when the stream has ended", async () => {
  there.does(openai());
  const response = await asked(worker, "d-2", { stream: true, stream_options: { include_usage: true } });
  await response.text();
  const decision = await decided(worker, "d-2");
  assert.deepEqual([decision.model, decision.output_tokens], [strong, 50]);
  assert.equal((await scored(worker, response, 1)).status, 200);
});

test("a decision's file has the gateway's own id, whatever x-request-id several callers send", async () => {
  there.does(openai());
  const [one, two, other] = [
    await asked(worker, "trace-1"),
    await asked(worker, "trace-1"),
    await asked(worker, "trace-1", {}, bearer(bob)),
  ];
  const found = await decisions(worker, "trace-1", 3);
  assert.deepEqual(found.map(({ key: name }) => name).sort(), ["ann", "ann", "bob"]);
  assert.equal(new Set(found.map(({ decision_id: id }) => id)).size, 3);
  for (const { name, at, key: who, decision_id: id } of found) {
    assert.match(id, UUID);
    assert.equal(name, `decisions/${at.slice(0, 10)}/${who}/${id}.json`);
  }
  assert.equal(new Set([one, two, other].map(feedbackId)).size, 3);
  for (const [response, who, score] of /** @type {const} */ ([
    [one, ann, 0.25],
    [two, ann, 0.5],
    [other, bob, 0.75],
  ])) {
    assert.equal((await scored(worker, response, score, who)).status, 200);
  }
  const rows = (await files(worker, "outcomes/")).map(({ text }) => JSON.parse(text ?? ""));
  const ours = rows.filter(({ request_id: id }) => id === "trace-1");
  assert.deepEqual(ours.map((row) => [row.key, row.scores[strong]]).sort(), [
    ["ann", 0.25],
    ["ann", 0.5],
    ["bob", 0.75],
  ]);
});

test("without log.content only the query's HMAC is logged, and a key's log overrides the setting", async (t) => {
  there.does(openai({ text: "An answer to keep." }));
  const loud = key("loud", { log: true });
  const quiet = await alone(t, { ...common, keys: [ann.entry, bob.entry, loud.entry] });
  const response = await asked(quiet, "d-3");
  assert.equal(response.status, 200);
  const decision = await decided(quiet, "d-3");
  const hmac = createHmac("sha256", LOG_SECRET).update(`pointsman query 1\n${QUERY}`).digest("hex");
  assert.deepEqual([decision.query_hmac, decision.query], [hmac, undefined]);
  const text = JSON.stringify(decision);
  assert.ok(!text.includes("capital") && !text.includes("An answer to keep"));
  assert.ok(!text.includes(createHash("sha256").update(QUERY).digest("hex")), "no plain hash");
  assert.deepEqual(await (await scored(quiet, response, 1)).json(), {
    feedback_id: feedbackId(response),
    written: false,
  });
  assert.deepEqual(await files(quiet, "outcomes/"), [], "no row of the trainer's without its query");
  await asked(quiet, "d-5", {}, bearer(loud));
  assert.equal((await decided(quiet, "d-5")).query, QUERY);
  const muted = key("muted", { log: false });
  const content = await alone(t, { ...common, keys: [muted.entry], gateway: { log: { content: true } } });
  await asked(content, "d-6", {}, bearer(muted));
  assert.equal((await decided(content, "d-6")).query, undefined);
});

test("answers are never logged", async () => {
  there.does(openai({ text: "An answer to keep." }));
  await asked(worker, "d-4");
  assert.doesNotMatch(JSON.stringify(await decided(worker, "d-4")), /An answer to keep/);
});

/**
 * Checks a line as trainer-native/src/data/outcomes_jsonl.rs does.
 * @param {string} line
 */
function checkRow(line) {
  const row = JSON.parse(line);
  for (const field of ["id", "query", "dataset"]) assert.equal(typeof row[field], "string", field);
  assert.ok(row.dataset !== "" && row.query !== "");
  const scores = Object.values(row.scores);
  assert.ok(scores.length > 0 && scores.every((score) => score === null || (score >= 0 && score <= 1)));
  for (const cost of Object.values(row.costs ?? {})) assert.ok(Number.isFinite(cost) && cost >= 0);
  for (const [field, type] of [
    ["category", "string"],
    ["cluster", "number"],
    ["score_scale", "number"],
  ]) {
    if (row[field] !== undefined && row[field] !== null) assert.equal(typeof row[field], type, field);
  }
  return row;
}

test("feedback writes a row that the trainer reads, and the first score stands", async () => {
  there.does(openai());
  const response = await asked(worker, "f-1");
  const decision = await decided(worker, "f-1");
  const answered = await scored(worker, response, 0.75);
  assert.deepEqual(await answered.json(), { feedback_id: feedbackId(response), written: true });
  for (const score of [1, 0, 0.75]) await refused(scored(worker, response, score), 409, "already_scored");
  const found = (await files(worker, "outcomes/")).filter(({ name }) => name.includes(decision.decision_id));
  assert.deepEqual(
    found.map(({ name }) => name),
    [`outcomes/${decision.at.slice(0, 10)}_${decision.decision_id}.jsonl`],
  );
  const lines = (found[0].text ?? "").split("\n");
  assert.deepEqual([lines.length, lines[1]], [2, ""], "one line, ended");
  const row = checkRow(lines[0]);
  assert.deepEqual([row.id, row.query, row.scores], [decision.decision_id, QUERY, { [strong]: 0.75 }]);
  assert.ok(Math.abs(row.costs[strong] - 0.0025) < 1e-9);
  assert.deepEqual(
    [row.key, row.reason, row.router, row.propensity, row.request_id],
    ["ann", "above_threshold", BUNDLE.name, null, "f-1"],
  );
});

test("feedback that is malformed, forged, or on another key's answer is refused", async (t) => {
  there.does(openai());
  const response = await asked(worker, "f-2");
  const { at, decision_id: decision } = await decided(worker, "f-2");
  const id = feedbackId(response);
  const [day, made, signature] = id.split("_");
  assert.deepEqual([day, made], [at.slice(0, 10), decision]);
  const send = (/** @type {unknown} */ body, who = ann) => worker.post("v1/feedback", body, bearer(who));
  const signed = (/** @type {string} */ secret, /** @type {string} */ text) =>
    createHmac("sha256", secret).update(text).digest("hex");
  const forged = [
    "never",
    "f-2",
    decision,
    `${day}_${decision}_`,
    `${day}_${decision}_${"0".repeat(64)}`,
    `${day}_${decision}_${signed("", `${day}${decision}`)}`,
    `${day}_${decision}_${signature.slice(0, -1)}`,
    `2026-01-01_${decision}_${signature}`,
    `${day}_${"0".repeat(8)}${decision.slice(8)}_${signature}`,
    `../${id}`,
  ];
  for (const wrong of forged) await refused(send({ feedback_id: wrong, score: 1 }), 404, "request_not_found");
  await refused(send({ feedback_id: id, score: 1 }, bob), 404, "request_not_found");
  const wrong = [
    {},
    { feedback_id: id },
    { score: 1 },
    { feedback_id: id, score: 1.5 },
    { feedback_id: id, score: -0.1 },
    { feedback_id: id, score: "1" },
    { feedback_id: 7, score: 1 },
    { request_id: "f-2", score: 1 },
    { feedback_id: id, score: 1, stars: 5 },
  ];
  for (const body of wrong) await refused(send(body), 400, "feedback_ill_formed");
  await refused(send("nonsense"), 400, "body_not_json");
  await refused(send({ feedback_id: "x".repeat(5000), score: 1 }), 413, "body_too_large");
  const without = await alone(t, { upstream: there });
  await refused(without.post("v1/feedback", { feedback_id: id, score: 1 }), 500, "binding_missing");
});

test("a forged id, or one without a recent day, is refused before R2 is read", async (t) => {
  const broken = await alone(t, { upstreams: everyCandidateAt(there), secrets: { LOG_SECRET } });
  // A LOG whose every method is missing: reading it is a 500.
  const ruined = await alone(t, {
    upstreams: everyCandidateAt(there),
    secrets: { LOG_SECRET, LOG: /** @type {any} */ ({ ruined: true }) },
  });
  const decision = "01234567-89ab-cdef-0123-456789abcdef";
  const made = (/** @type {string} */ day) => {
    const text = `pointsman feedback 1\n${day}\n${decision}\nopen`;
    return `${day}_${decision}_${createHmac("sha256", LOG_SECRET).update(text).digest("hex")}`;
  };
  const days = (/** @type {number} */ count) => new Date(Date.now() - count * 86_400_000).toISOString().slice(0, 10);
  const send = (/** @type {string} */ id, on = ruined) => on.post("v1/feedback", { feedback_id: id, score: 1 });
  await refused(send(made(days(0))), 500, "binding_failed");
  await refused(send(made(days(9))), 404, "request_not_found");
  await refused(send(made(days(-2))), 404, "request_not_found");
  await refused(send(`${days(0)}_${decision}_${"0".repeat(64)}`), 404, "request_not_found");
  await refused(send(made(days(0)), broken), 500, "binding_missing");
});

test("an answer with an error cannot be scored, and a model that was named has no feedback id", async () => {
  there.does(status(422));
  const failed = await asked(worker, "f-3");
  assert.equal(failed.status, 422);
  assert.equal((await decided(worker, "f-3")).status, 422);
  await refused(scored(worker, failed, 1), 404, "request_not_found");
  there.does(openai());
  assert.equal(feedbackId(await asked(worker, "f-4", { model: weak })), "", "not routed");
});

test("a decision that failed cannot be scored with an id signed for it", async () => {
  there.does(status(422));
  await asked(worker, "f-5");
  const { at, decision_id: decision } = await decided(worker, "f-5");
  const day = at.slice(0, 10);
  const text = `pointsman feedback 1\n${day}\n${decision}\nann`;
  const id = `${day}_${decision}_${createHmac("sha256", LOG_SECRET).update(text).digest("hex")}`;
  await refused(worker.post("v1/feedback", { feedback_id: id, score: 1 }, bearer(ann)), 404, "request_not_found");
});

test("a key with feedback: false gets no feedback id and scores nothing", async (t) => {
  there.does(openai());
  const mute = key("mute", { feedback: false });
  const one = await alone(t, { ...common, keys: [mute.entry] });
  const response = await asked(one, "f-6", {}, bearer(mute));
  assert.equal(feedbackId(response), "");
  await decided(one, "f-6");
  await refused(one.post("v1/feedback", { feedback_id: "x", score: 1 }, bearer(mute)), 403, "feedback_not_allowed");
});

test("without LOG_SECRET decisions are logged, no answer can be scored, and healthz and the log say so", async (t) => {
  there.does(openai());
  for (const [secrets, code] of /** @type {[Record<string, string>, string][]} */ ([
    [{}, "log_secret_missing"],
    [{ LOG_SECRET: "short" }, "log_secret_short"],
  ])) {
    const one = await alone(t, { ...common, secrets, gateway: { log: { content: true } } });
    const response = await asked(one, "s-1");
    assert.equal(feedbackId(response), "");
    const decision = await decided(one, "s-1");
    assert.deepEqual([decision.query, decision.query_hmac], [QUERY, undefined]);
    await refused(scored(one, response, 1), 500, "binding_missing");
    assert.deepEqual((await (await one.get("healthz")).json()).warnings, [code]);
    assert.ok(one.log.some((line) => line.includes(code)));
  }
  assert.equal((await (await worker.get("healthz")).json()).warnings, undefined);
});

test("a cascade's row states each model's own cost", async (t) => {
  there.does(inTurn(openai({ text: "" }), openai({ text: "Large." })));
  const cascade = { from: [weak], to: strong };
  const one = await alone(t, { ...common, gateway: { ...HURRIED, cascade, log: { content: true } } });
  const response = await asked(one, "c-1", {}, { "x-pointsman-threshold": "1" });
  assert.equal(decisionHeaders(response).cascade, "escalated");
  const decision = await decided(one, "c-1");
  assert.equal((await scored(one, response, 1)).status, 200);
  const [{ text }] = await files(one, "outcomes/");
  const { costs } = JSON.parse(text ?? "");
  assert.deepEqual(Object.keys(costs).sort(), [strong, weak].sort());
  assert.ok(Math.abs(costs[weak] - decision.cascade.first_cost) < 1e-12);
  assert.ok(Math.abs(costs[strong] + costs[weak] - decision.cost) < 1e-12);
  assert.ok(Math.abs(costs[strong] - 0.0025) < 1e-9);
});

test("requests that name their model and refused requests log no decision", async () => {
  there.does(openai());
  await asked(worker, "n-1", { model: weak });
  assert.equal((await asked(worker, "n-2", { messages: [] })).status, 400);
  await asked(worker, "n-3");
  await decided(worker, "n-3");
  const found = (await files(worker, "decisions/")).map(({ text }) => JSON.parse(text ?? "").id);
  assert.deepEqual(
    found.filter((id) => /^n-[12]$/.test(id)),
    [],
  );
});

test("each request writes one point with its blobs and doubles in the documented order", async () => {
  there.does(inTurn(status(503), openai()));
  points.length = 0;
  const response = await asked(worker, "a-1");
  const { indexes, blobs, doubles = [] } = await until(() => points[0], "a point");
  assert.deepEqual(indexes, ["ann"]);
  assert.deepEqual(blobs, [strong, "above_threshold", "chat/completions", "200", ""]);
  const [winRate, threshold, attempts, milliseconds, input, output, cost] = doubles;
  assert.ok(Math.abs(winRate - Number(decisionHeaders(response)["win-rate"])) < 1e-5);
  assert.deepEqual([threshold, attempts, input, output], [0, 2, 100, 50]);
  assert.ok(milliseconds >= 0 && Math.abs(cost - 0.0025) < 1e-9);
  await refused(worker.chat({ model: "nobody" }, bearer(ann)), 404, "model_not_found");
  const error = await until(() => points[1], "the point of the refused request");
  assert.deepEqual(error.blobs?.slice(2), ["chat/completions", "404", "model_not_found"]);
  assert.ok(!JSON.stringify(points).includes(QUERY) && !JSON.stringify(points).includes(ann.text));
});

test("a log that cannot be written does not fail the request", async (t) => {
  there.does(openai());
  const ruined = await alone(t, {
    upstreams: everyCandidateAt(there),
    secrets: { LOG: "no bucket", ANALYTICS: "no dataset" },
  });
  assert.equal((await ruined.chat()).status, 200);
});
