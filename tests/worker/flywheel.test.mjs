// Logs: decisions and outcomes in R2, data points in Analytics Engine.

/** @import { DataPoint } from "../../worker/js/stand-ins/analytics.mjs" */
/** @import { Gateway, Options, SentHeaders } from "./gateway.mjs" */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, test } from "node:test";

import { alone, BUNDLE, decisionHeaders, everyCandidateAt, gateway, HURRIED, refused } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { openai } from "./openai-stand-in.mjs";
import { inTurn, status, until, upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const QUERY = "What is the capital city of the country?";
const [ann, bob] = [key("ann"), key("bob")];
const STRONGEST = { "x-pointsman-threshold": "0" };
const today = () => new Date().toISOString().slice(0, 10);

const there = await upstream();
/** @type {DataPoint[]} */
const points = [];
/** @type {Options} */
const common = {
  upstream: there,
  keys: [ann.entry, bob.entry],
  buckets: ["LOG"],
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

/**
 * Waits for a file in a folder of R2, and returns its text.
 * @param {Gateway} on
 * @param {"decisions" | "outcomes"} folder
 * @param {string} id
 * @param {string} extension
 */
function written(on, folder, id, extension) {
  return until(async () => {
    const bucket = await on.miniflare.getR2Bucket("LOG");
    for (const day of [today(), new Date(Date.now() - 60_000).toISOString().slice(0, 10)]) {
      const found = await bucket.get(`${folder}/${day}${folder === "outcomes" ? "_" : "/"}${id}.${extension}`);
      if (found) return found.text();
    }
    return undefined;
  }, `${folder} of ${id}`);
}

test("a decision is logged with its attempts, tokens and cost", async () => {
  there.does(inTurn(status(503), openai()));
  const response = await asked(worker, "d-1");
  const headers = decisionHeaders(response);
  const decision = JSON.parse(await written(worker, "decisions", "d-1", "json"));
  assert.deepEqual(
    [decision.id, decision.model, decision.reason, decision.query],
    ["d-1", strong, "above_threshold", QUERY],
  );
  assert.deepEqual([decision.attempts, decision.status, decision.key, decision.router], [2, 200, "ann", BUNDLE.name]);
  assert.deepEqual([decision.input_tokens, decision.output_tokens], [100, 50]);
  assert.ok(Math.abs(decision.cost - 0.0025) < 1e-9);
  assert.ok(Math.abs(decision.win_rate - Number(headers["win-rate"])) < 1e-5);
  assert.equal(decision.threshold, 0);
  assert.ok(decision.total_ms >= decision.first_ms && decision.first_ms >= 0);
});

test("a stream's decision is logged when the stream has ended", async () => {
  there.does(openai());
  const response = await asked(worker, "d-2", { stream: true, stream_options: { include_usage: true } });
  await response.text();
  const decision = JSON.parse(await written(worker, "decisions", "d-2", "json"));
  assert.deepEqual([decision.model, decision.output_tokens], [strong, 50]);
});

test("without log.content only the query's SHA-256 is logged", async (t) => {
  there.does(openai({ text: "An answer to keep." }));
  const quiet = await alone(t, common);
  assert.equal((await asked(quiet, "d-3")).status, 200);
  const text = await written(quiet, "decisions", "d-3", "json");
  assert.equal(JSON.parse(text).query_sha256, createHash("sha256").update(QUERY).digest("hex"));
  assert.ok(!text.includes("capital") && !text.includes("An answer to keep"));
  await quiet.post("v1/feedback", { request_id: "d-3", score: 1 }, bearer(ann));
  const bucket = await quiet.miniflare.getR2Bucket("LOG");
  const { objects } = await bucket.list({ prefix: "outcomes/" });
  assert.deepEqual(
    objects.map(({ key: name }) => name),
    [],
    "no row of the trainer's without its query",
  );
});

test("answers are never logged", async () => {
  there.does(openai({ text: "An answer to keep." }));
  await asked(worker, "d-4");
  assert.doesNotMatch(await written(worker, "decisions", "d-4", "json"), /An answer to keep/);
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

test("feedback writes a row that the trainer reads, and later feedback replaces it", async () => {
  there.does(openai());
  await asked(worker, "f-1");
  await written(worker, "decisions", "f-1", "json");
  for (const score of [1, 0, 0.75]) {
    const response = await worker.post("v1/feedback", { request_id: "f-1", score }, bearer(ann));
    assert.ok(response.ok, await response.text());
    const text = await until(async () => {
      const found = await written(worker, "outcomes", "f-1", "jsonl");
      return JSON.parse(found).scores[strong] === score && found;
    });
    const lines = text.split("\n");
    assert.deepEqual([lines.length, lines[1]], [2, ""], "one line, ended");
    const row = checkRow(lines[0]);
    assert.deepEqual([row.id, row.query, row.scores], ["f-1", QUERY, { [strong]: score }]);
    assert.ok(Math.abs(row.costs[strong] - 0.0025) < 1e-9);
  }
});

test("feedback that is malformed, or on an unknown or another key's request, is refused", async (t) => {
  there.does(openai());
  await asked(worker, "f-2");
  await written(worker, "decisions", "f-2", "json");
  const send = (/** @type {unknown} */ body, who = ann) => worker.post("v1/feedback", body, bearer(who));
  await refused(send({ request_id: "never", score: 1 }), 404, "request_not_found");
  await refused(send({ request_id: "f-2", score: 1 }, bob), 404, "request_not_found");
  const wrong = [
    {},
    { request_id: "f-2" },
    { score: 1 },
    { request_id: "f-2", score: 1.5 },
    { request_id: "f-2", score: -0.1 },
    { request_id: "f-2", score: "1" },
    { request_id: 7, score: 1 },
    { request_id: "../f-2", score: 1 },
    { request_id: "f-2", score: 1, stars: 5 },
  ];
  for (const body of wrong) await refused(send(body), 400, "feedback_ill_formed");
  await refused(send("nonsense"), 400, "body_not_json");
  const without = await alone(t, { upstream: there });
  await refused(without.post("v1/feedback", { request_id: "f-2", score: 1 }), 500, "binding_missing");
});

test("requests that name their model and refused requests log no decision", async () => {
  there.does(openai());
  await asked(worker, "n-1", { model: weak });
  assert.equal((await asked(worker, "n-2", { messages: [] })).status, 400);
  await asked(worker, "n-3");
  await written(worker, "decisions", "n-3", "json");
  const { objects } = await (await worker.miniflare.getR2Bucket("LOG")).list({ prefix: "decisions/" });
  assert.deepEqual(
    objects.filter(({ key: name }) => /\/n-[12]\.json$/.test(name)),
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
