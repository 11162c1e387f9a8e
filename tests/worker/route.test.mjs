// POST /v1/route, GET /v1/models, GET /healthz and what is refused before any upstream is asked.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { BUNDLE, errorOf, gateway, postAlone } from "./gateway.mjs";

const worker = await gateway();
after(() => worker.close());

const refused = async (response, status, code) => {
  const error = await errorOf(await response);
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  return error;
};

test("a decision has the engine's fields", async () => {
  const response = await worker.post("v1/route", { query: "What is 2 + 2?", policy: { threshold: 0 } });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  const decision = await response.json();
  assert.equal(decision.model, BUNDLE.strong);
  assert.equal(decision.reason, "above_threshold");
  assert.equal(decision.threshold, 0);
  assert.deepEqual(decision.scores.map(({ model }) => model), BUNDLE.ids);
});

test("messages are routed like the text of their user turns", async () => {
  const [plain, chat] = await Promise.all([
    worker.post("v1/route", { query: "One\n\nTwo" }),
    worker.post("v1/route", {
      messages: [
        { role: "user", content: "One" },
        { role: "assistant", content: "Aside" },
        { role: "user", content: [{ type: "text", text: "Two" }, { type: "image_url", image_url: {} }] },
      ],
    }),
  ]);
  assert.deepEqual(await chat.json(), await plain.json());
});

test("the models are auto and the candidates", async () => {
  const { object, data } = await (await worker.get("v1/models")).json();
  assert.equal(object, "list");
  assert.deepEqual(data.map(({ id }) => id), ["auto", ...BUNDLE.ids]);
  assert.ok(data.every((model) => model.object === "model"));
});

test("health names the bundle", async () => {
  const health = await (await worker.get("healthz")).json();
  assert.equal(health.status, "ok");
  assert.equal(health.bundle, BUNDLE.name);
});

test("bad requests are told what is wrong", async () => {
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
    [JSON.stringify({ query: "x".repeat(1 << 20) }), 413, "query_too_long"],
  ];
  for (const [body, status, code] of cases) {
    const error = await refused(worker.send("POST", "v1/route", body), status, code);
    assert.equal(error.type, "invalid_request_error");
  }
});

test("a body that is no UTF-8 is refused", async () => {
  await refused(worker.send("POST", "v1/route", Buffer.from([0x7b, 0xff, 0x7d])), 400, "body_not_utf8");
});

test("a body past the limit is refused, whether or not it states its length", async () => {
  const mebibyte = Buffer.alloc(1 << 20, 0x20);
  const [stated, unstated] = [Array(17).fill(mebibyte), Array(18).fill(mebibyte)];
  const headers = { "content-length": String(17 << 20) };
  await refused(postAlone(new URL("v1/route", worker.url), stated, headers), 413, "body_too_large");
  await refused(postAlone(new URL("v1/chat/completions", worker.url), unstated), 413, "body_too_large");
});

test("paths and methods that are not served are told apart", async () => {
  await refused(worker.get("v1/embeddings"), 404, "not_found");
  await refused(worker.get(""), 404, "not_found");
  for (const [method, path, allow] of [
    ["GET", "v1/route", "POST"],
    ["GET", "v1/chat/completions", "POST"],
    ["DELETE", "v1/models", "GET"],
    ["POST", "healthz", "GET"],
  ]) {
    const response = await worker.send(method, path, method === "GET" ? undefined : "{}");
    assert.equal(response.headers.get("allow"), allow);
    await refused(response, 405, "method_not_allowed");
  }
});

test("the bundle itself cannot be fetched", async () => {
  for (const path of ["router.json", "model.onnx", "tokenizer.json"]) {
    await refused(worker.get(path), 404, "not_found");
  }
});

test("without upstreams a chat is refused after its decision", async () => {
  const error = await refused(worker.chat(), 500, "upstream_not_configured");
  assert.equal(error.type, "server_error");
});
