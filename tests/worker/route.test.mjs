// POST /v1/route, GET /v1/models, GET /healthz.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { alone, BUNDLE, everyCandidateAt, gateway, refused } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";

const { strong, weak, ids, name } = BUNDLE;
const nowhere = { url: "http://127.0.0.1:9/v1" };
const worker = await gateway({ upstreams: { ...everyCandidateAt(nowhere), "@cf/extra": { baseUrl: nowhere.url } } });
after(() => worker.close());

const route = async (/** @type {object} */ body) => (await worker.post("v1/route", body)).json();

test("a decision has the engine's fields", async () => {
  const response = await worker.post("v1/route", { query: "What is 2 + 2?", policy: { threshold: 0 } });
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
  const decision = await response.json();
  assert.deepEqual([decision.model, decision.reason, decision.threshold], [strong, "above_threshold", 0]);
  assert.deepEqual(
    decision.scores.map((/** @type {{model: string}} */ { model }) => model),
    ids,
  );
  assert.ok(decision.winRate > 0 && decision.winRate < 1);
});

test("a batch returns each request's own decision or error, in order", async () => {
  const requests = [
    { query: "Hello" },
    { query: "" },
    { query: "prove it", policy: { threshold: 1 } },
    { messages: [{ role: "user", content: "Hello" }] },
    { query: "x", policy: { threshold: 2 } },
    { query: 7 },
  ];
  const { results } = await route({ batch: requests });
  assert.equal(results.length, requests.length);
  for (const at of [0, 2, 3]) assert.deepEqual(results[at], await route(requests[at]));
  const codes = [1, 4, 5].map((at) => results[at].error.code);
  assert.deepEqual(codes, ["query_empty", "policy_out_of_range", "request_ill_formed"]);
  assert.equal(results[2].model, weak);
});

test("a batch holds up to 256 requests", async () => {
  const of = (/** @type {number} */ count) => ({ batch: Array(count).fill({ query: "Hello" }) });
  const { results } = await route(of(256));
  assert.equal(results.length, 256);
  assert.deepEqual(results[255], await route({ query: "Hello" }));
  await refused(worker.post("v1/route", of(257)), 400, "request_ill_formed");
  await refused(worker.post("v1/route", { batch: {} }), 400, "request_ill_formed");
});

test("a batch holds as much text as four of the longest queries", async () => {
  const long = { query: "x ".repeat(1 << 17) };
  assert.equal((await worker.post("v1/route", { batch: [long, long, long, long] })).status, 200);
  await refused(worker.post("v1/route", { batch: [long, long, long, long, { query: "x" }] }), 413, "query_too_long");
  const many = { query: "x", messages: Array(50_001).fill(0) };
  await refused(worker.post("v1/route", many), 400, "body_too_complex");
  await refused(worker.post("v1/route", " ".repeat((2 << 20) + 1)), 413, "body_too_large");
});

test("a route needs the permission to route, and tells only candidates that the key may use", async (t) => {
  const [all, small, bundle, named] = [
    key("all"),
    key("small", { models: ["auto", weak] }),
    key("bundle", { models: [name] }),
    key("named", { models: [strong, weak] }),
  ];
  const priced = everyCandidateAt(nowhere, { inputPrice: 1, outputPrice: 77 });
  const one = await alone(t, { upstreams: priced, keys: [all, small, bundle, named].map(({ entry }) => entry) });
  const query = { query: "Hello", policy: { threshold: 0 } };
  const of = (/** @type {typeof all} */ who, /** @type {object} */ body = query) =>
    one.post("v1/route", body, bearer(who));
  await refused(of(named), 403, "model_not_allowed");
  for (const who of [all, bundle]) {
    const decision = await (await of(who)).json();
    assert.deepEqual([decision.model, decision.scores.length], [strong, ids.length]);
  }
  const { results } = await (await of(small, { batch: [query, query] })).json();
  for (const decision of [await (await of(small)).json(), ...results]) {
    assert.equal(decision.model, weak);
    assert.deepEqual(
      decision.scores.map((/** @type {{model: string}} */ { model }) => model),
      [weak],
    );
  }
  const refusedBatch = await (await of(named, { batch: [query] })).json();
  assert.equal(refusedBatch.results[0].error.code, "model_not_allowed");
  const only = { query: "Hello", policy: { candidates: [strong] } };
  await refused(of(small, only), 400, "no_candidate");
});

test("the list has auto, the bundle, its candidates and the other configured models", async () => {
  const { object, data } = await (await worker.get("v1/models")).json();
  assert.equal(object, "list");
  assert.deepEqual(
    data.map((/** @type {{id: string}} */ { id }) => id),
    ["auto", name, ...ids, "@cf/extra"],
  );
  assert.ok(data.every((/** @type {{object: string}} */ { object }) => object === "model"));
});

test("a model is found by its name, whatever characters it has", async () => {
  for (const [path, id] of [
    ["auto", "auto"],
    [weak, weak],
    ["@cf/extra", "@cf/extra"],
    ["%40cf%2Fextra", "@cf/extra"],
  ]) {
    const model = await (await worker.get(`v1/models/${path}`)).json();
    assert.deepEqual([model.id, model.object], [id, "model"]);
  }
  await refused(worker.get("v1/models/nobody"), 404, "model_not_found");
});

test("health names the bundle", async () => {
  const health = await (await worker.get("healthz")).json();
  assert.deepEqual([health.status, health.bundle, health.source], ["ok", name, "deployed"]);
});

test("each bad request has its own error code", async () => {
  /** @type {[body: string, status: number, code: string][]} */
  const cases = [
    ["", 400, "body_not_json"],
    ["{", 400, "body_not_json"],
    ['{"query": "x"', 400, "body_not_json"],
    ["{}", 400, "request_ill_formed"],
    ['{"query": 42}', 400, "request_ill_formed"],
    ['{"query": "x", "messages": []}', 400, "request_ill_formed"],
    ['{"query": ""}', 400, "query_empty"],
    ['{"query": "\\ud800"}', 400, "query_ill_formed"],
    ['{"query": "a\\u0000"}', 400, "query_ill_formed"],
    ['{"messages": []}', 400, "messages_without_text"],
    ['{"query": "x", "policy": {"threshold": 2}}', 400, "policy_out_of_range"],
    ['{"query": "x", "policy": {"threshold": 0.5, "strongShare": 0.5}}', 400, "policy_contradiction"],
    ['{"query": "x", "policy": {"candidates": ["nobody"]}}', 400, "policy_unknown_model"],
  ];
  for (const [body, status, code] of cases) {
    const error = await refused(worker.send("POST", "v1/route", body), status, code);
    assert.equal(error.type, "invalid_request_error");
  }
});

test("an unknown path gives 404 and a wrong method 405", async () => {
  for (const path of ["", "v1", "v1/nothing", "v1/chat", "v1/chat/completions/more"]) {
    await refused(worker.get(path), 404, "not_found");
  }
  const posts = ["route", "chat/completions", "responses", "completions", "messages", "embeddings", "feedback"].map(
    (path) => ["GET", `v1/${path}`, "POST"],
  );
  for (const [method, path, allow] of [
    ...posts,
    ["DELETE", "v1/models", "GET"],
    ["POST", "healthz", "GET"],
    ["POST", "v1/models/auto", "GET"],
  ]) {
    const response = await worker.send(method, path, method === "GET" ? undefined : "{}");
    assert.equal(response.status, 405, `${method} ${path}`);
    assert.match(response.headers.get("allow") ?? "", new RegExp(`\\b${allow}\\b`));
    const { error, type } = await response.json();
    // Anthropic's error shape has no code.
    if (path === "v1/messages") assert.equal(type, "error");
    else assert.equal(error.code, "method_not_allowed");
  }
});

test("clients cannot fetch the bundle's files", async () => {
  for (const path of ["router.json", "model.onnx", "tokenizer.json"]) {
    await refused(worker.get(path), 404, "not_found");
  }
});
