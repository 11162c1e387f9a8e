// The estimate of a request's tokens, by which windows exclude models and costs are estimated: what is sent
// counts wherever it stands.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { BUNDLE, decisionHeaders, everyCandidateAt, gateway } from "./gateway.mjs";
import { openai } from "./openai-stand-in.mjs";
import { upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const WEAKEST = { "x-pointsman-threshold": "1" };

const there = await upstream();
// A dollar for each million of input tokens, so that the estimated cost tells their number.
const upstreams = everyCandidateAt(
  there,
  { inputPrice: 1, outputPrice: 0 },
  { [weak]: { contextWindow: 2000 }, [strong]: { contextWindow: 10_000_000 } },
);
const worker = await gateway({ upstreams });
after(async () => {
  await worker.close();
  await there.close();
});

/** @param {string} path @param {object} body */
async function routed(path, body) {
  there.does(openai());
  const response = await worker.post(`v1/${path}`, { model: "auto", ...body }, WEAKEST);
  assert.equal(response.status, 200, await response.clone().text());
  const { model, "estimated-cost": cost } = decisionHeaders(response);
  return { model, tokens: Math.round(Number(cost) * 1e6) };
}

const hello = { role: "user", content: "Hello" };
const messages = (/** @type {unknown[]} */ ...turns) => ({ max_tokens: 9, messages: [hello, ...turns] });
const calls = (/** @type {object} */ input) => ({
  role: "assistant",
  content: [{ type: "tool_use", id: "t", name: "f", input }],
});
const result = (/** @type {unknown} */ content) => ({
  role: "user",
  content: [{ type: "tool_result", tool_use_id: "t", content }],
});
const chat = (/** @type {object} */ more) => ({ messages: [hello], ...more });
const call = (/** @type {string} */ args) => ({
  role: "assistant",
  content: null,
  tool_calls: [{ id: "t", type: "function", function: { name: "f", arguments: args } }],
});
const items = (/** @type {unknown[]} */ ...more) => ({ input: [hello, ...more] });

/** @type {[what: string, path: string, body: (words: string) => object][]} */
const PLACES = [
  ["a user's text", "messages", (words) => messages({ role: "user", content: words })],
  ["the system text", "messages", (words) => ({ ...messages(), system: [{ type: "text", text: words }] })],
  ["a tool's result", "messages", (words) => messages(calls({}), result(words))],
  ["a part of a result", "messages", (words) => messages(calls({}), result([{ type: "text", text: words }]))],
  ["a call's input", "messages", (words) => messages(calls({ a: [{ b: words }] }), result("ok"))],
  [
    "a tool's description",
    "messages",
    (words) => ({ ...messages(), tools: [{ name: "f", description: words, input_schema: { type: "object" } }] }),
  ],
  [
    "a document of text",
    "messages",
    (words) =>
      messages({
        role: "user",
        content: [{ type: "document", source: { type: "text", media_type: "text/plain", data: words } }],
      }),
  ],
  [
    "a call's arguments",
    "chat/completions",
    (words) =>
      chat({ messages: [hello, call(JSON.stringify({ words })), { role: "tool", tool_call_id: "t", content: "" }] }),
  ],
  [
    "a tool's message",
    "chat/completions",
    (words) => chat({ messages: [hello, call("{}"), { role: "tool", tool_call_id: "t", content: words }] }),
  ],
  [
    "the answer's schema",
    "chat/completions",
    (words) =>
      chat({
        response_format: {
          type: "json_schema",
          json_schema: { name: "x", schema: { type: "object", description: words } },
        },
      }),
  ],
  ["a predicted output", "chat/completions", (words) => chat({ prediction: { type: "content", content: words } })],
  ["the instructions", "responses", (words) => ({ input: "Hello", instructions: words })],
  [
    "a call's item",
    "responses",
    (words) => items({ type: "function_call", call_id: "t", name: "f", arguments: words }),
  ],
  ["a result's item", "responses", (words) => items({ type: "function_call_output", call_id: "t", output: words })],
  [
    "a custom tool's item",
    "responses",
    (words) => items({ type: "custom_tool_call", call_id: "t", name: "f", input: words }),
  ],
  [
    "a reasoning item",
    "responses",
    (words) => items({ type: "reasoning", id: "r", summary: [{ type: "summary_text", text: words }] }),
  ],
  ["a prompt", "completions", (words) => ({ prompt: ["Hello", words] })],
];

for (const [what, path, body] of PLACES) {
  test(`${what} of /v1/${path} counts towards the window and the cost`, async () => {
    const words = Array.from({ length: 3000 }, () => "hello").join(" ");
    const few = await routed(path, body("hello"));
    assert.ok(few.model === weak && few.tokens < 200, JSON.stringify(few));
    const many = await routed(path, body(words));
    assert.ok(many.model === strong && Math.abs(many.tokens - few.tokens - 2999) < 20, JSON.stringify(many));
  });
}

test("a picture counts as one, wherever it stands, and not by its data", async () => {
  const data = "A".repeat(400_000);
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data } };
  for (const body of [messages({ role: "user", content: [image] }), messages(calls({}), result([image]))]) {
    const { tokens } = await routed("messages", body);
    assert.ok(tokens > 1000 && tokens < 1100, String(tokens));
  }
});

test("a long text counts in proportion, and a long word by its bytes", async () => {
  const long = await routed(
    "chat/completions",
    chat({ messages: [{ role: "user", content: "hello ".repeat(400_000) }] }),
  );
  assert.ok(long.model === strong && Math.abs(long.tokens - 400_000) < 4000, JSON.stringify(long));
  const word = { role: "user", content: "x".repeat(200_000) };
  assert.deepEqual(await routed("chat/completions", chat({ messages: [hello, word] })), {
    model: strong,
    tokens: 25_008,
  });
});
