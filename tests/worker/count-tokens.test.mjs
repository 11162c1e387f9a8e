// POST /v1/messages/count_tokens: counted by an upstream with Anthropic's API, else by the gateway.

/** @import { IncomingMessage, ServerResponse } from "node:http" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { anthropic, anthropicError } from "./anthropic-stand-in.mjs";
import { alone, BUNDLE, everyCandidateAt, gateway, HURRIED } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { inTurn, status, text, upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const PATH = "v1/messages/count_tokens";
const COUNTED_BY = "x-pointsman-token-count";

const there = await upstream();
const claude = { api: "anthropic", baseUrl: there.url, model: "claude-there", keySecret: "CLAUDE" };
const options = {
  upstreams: { ...everyCandidateAt(there), claude, workers: { api: "workers-ai", model: "@cf/x" } },
  gateway: { ...HURRIED, aliases: { "claude-*": "auto", opus: "claude" } },
  secrets: { CLAUDE: "sk-ant-stand-in" },
};
const worker = await gateway(options);
after(async () => {
  await worker.close();
  await there.close();
});

const messages = [{ role: "user", content: "Hello, which model is this?" }];
const counts =
  (/** @type {number} */ tokens) => (/** @type {IncomingMessage} */ _, /** @type {ServerResponse} */ to) => {
    to.writeHead(200, { "content-type": "application/json" });
    to.end(JSON.stringify({ input_tokens: tokens }));
  };

/** @param {object} body @param {Record<string, string>} headers @param {Pick<typeof worker, "post">} on */
async function count(body, headers = {}, on = worker) {
  const response = await on.post(PATH, { messages, ...body }, headers);
  const found = await response.json();
  return { status: response.status, by: response.headers.get(COUNTED_BY), tokens: found.input_tokens, found };
}

test("a model with Anthropic's API is counted by its upstream", async () => {
  there.does(counts(4321));
  const beta = { "anthropic-beta": "context-1m-2025-08-07", "anthropic-version": "2023-06-01" };
  for (const model of ["claude", "opus"]) {
    const { found, by } = await count({ model, system: "Be brief." }, beta);
    assert.deepEqual([found, by], [{ input_tokens: 4321 }, "upstream"]);
    const sent = there.last();
    assert.deepEqual([sent.path, sent.json.model], [`/${PATH}`, "claude-there"]);
    assert.deepEqual(Object.keys(sent.json).sort(), ["messages", "model", "system"]);
    assert.deepEqual(
      [sent.headers["x-api-key"], sent.headers["anthropic-beta"], sent.headers["anthropic-version"]],
      ["sk-ant-stand-in", beta["anthropic-beta"], beta["anthropic-version"]],
    );
  }
});

test("thinking that is another model's is not sent to the upstream that counts", async () => {
  there.does(counts(9));
  const thought = { type: "thinking", thinking: "Hm.", signature: "another's" };
  const turn = { role: "assistant", content: [thought, { type: "text", text: "Four." }] };
  await count({ model: "claude", messages: [...messages, turn, ...messages] });
  assert.deepEqual(there.last().json.messages[1].content, [{ type: "text", text: "Four." }]);
});

test("every other model, and routing, is counted by the gateway", async () => {
  there.does(status(500));
  for (const model of [weak, "workers", "auto", "claude-sonnet-4-5", "auto:threshold:0.3"]) {
    const { status: code, by, tokens } = await count({ model });
    assert.ok(code === 200 && by === "estimated" && tokens > 5 && tokens < 20, `${model}: ${code} ${tokens}`);
  }
  assert.equal(there.requests.length, 0);
  const { tokens: few } = await count({ model: "auto" });
  const tools = [{ name: "look", description: "hello ".repeat(500), input_schema: { type: "object" } }];
  const { tokens: many } = await count({ model: "auto", tools });
  assert.ok(many - few > 500 && many - few < 600, `${few}, ${many}`);
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } };
  const { tokens: seen } = await count({ model: "auto", messages: [{ role: "user", content: [image] }] });
  assert.ok(seen > 1000 && seen < 1020, String(seen));
});

test("a server without the endpoint leaves the count to the gateway, and stays in use", async () => {
  for (const answer of [status(404), status(405), status(501), anthropicError(404, "not_found_error", "no")]) {
    there.does(answer);
    const { status: code, by } = await count({ model: "claude" });
    assert.deepEqual([code, by], [200, "estimated"]);
  }
  there.does(text("<h1>Welcome</h1>", "text/html"));
  assert.equal((await count({ model: "claude" })).status, 502);
  // It answers messages nevertheless: ten failed counts open no circuit.
  there.does(anthropic());
  const answer = await worker.post("v1/messages", { model: "claude", max_tokens: 9, messages });
  assert.equal(answer.status, 200, await answer.text());
});

test("errors are those of /v1/messages", async () => {
  there.does(anthropicError(400, "invalid_request_error", "messages: at least one message is required"));
  const wrong = await count({ model: "claude", messages: [] });
  assert.equal(wrong.status, 400);
  assert.equal(wrong.found.error.message, "messages: at least one message is required");
  there.does(inTurn(anthropicError(529, "overloaded_error", "busy"), counts(7)));
  assert.equal((await count({ model: "claude" })).tokens, 7);
  assert.equal(there.requests.length, 2);
  there.does(anthropicError(401, "authentication_error", "invalid x-api-key"));
  const refused = await count({ model: "claude" });
  assert.deepEqual([refused.status, refused.found.type], [502, "error"]);
  for (const [body, code, type] of /** @type {[object, number, string][]} */ ([
    [{ model: "nobody" }, 404, "not_found_error"],
    [{ model: undefined }, 400, "invalid_request_error"],
  ])) {
    const { status: found, found: error } = await count(body);
    assert.deepEqual([found, error.type, error.error.type], [code, "error", type]);
  }
  assert.equal((await worker.get(PATH)).status, 405);
});

test("a key counts for the models that it may request, without a budget left", async (t) => {
  there.does(counts(7));
  const poor = key("poor", { budget: { usd: 0, period: "day" } });
  const small = key("small", { models: [weak] });
  const one = await alone(t, { ...options, keys: [poor.entry, small.entry], ledger: true });
  assert.equal((await count({ model: "claude" }, bearer(poor), one)).tokens, 7);
  assert.equal((await count({ model: "auto" }, bearer(poor), one)).by, "estimated");
  assert.equal((await count({ model: weak }, bearer(small), one)).by, "estimated");
  for (const model of ["claude", "auto", strong]) {
    const { status: code, found } = await count({ model }, bearer(small), one);
    assert.deepEqual([code, found.error.type], [403, "permission_error"]);
  }
  assert.equal((await count({ model: "auto" }, {}, one)).status, 401);
  const fields = { model: "claude", mcp_servers: [{ url: "https://x.example" }] };
  assert.equal((await count(fields, bearer(poor), one)).status, 400);
});

test("a body above the limit is refused", async (t) => {
  const one = await alone(t, { ...options, gateway: { ...options.gateway, maxBodyBytes: 1000 } });
  const { status: code } = await count({ model: "auto", system: "x".repeat(2000) }, {}, one);
  assert.equal(code, 413);
});
