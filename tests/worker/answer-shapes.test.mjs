// Whole answers as upstreams really send them, read by OpenAI's and Anthropic's client libraries.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

import { decisionHeaders, gateway } from "./gateway.mjs";
import { openai as chat } from "./openai-stand-in.mjs";
import { text, upstream } from "./stand-ins.mjs";

const there = await upstream();
const other = await upstream(chat({ text: "From the other." }));
/** @type {unknown} what the binding AI answers */
let aiAnswer;
const worker = await gateway({
  upstreams: {
    plain: { baseUrl: there.url, model: "plain-there", fallbacks: ["other"] },
    alone: { baseUrl: there.url, model: "plain-there" },
    claude: { api: "anthropic", baseUrl: there.url, model: "claude-there" },
    cf: { api: "workers-ai", model: "@cf/there" },
    other: { baseUrl: other.url },
  },
  gateway: { retries: { most: 0, baseMs: 1 }, breaker: { failures: 1000 } },
  ai: () => JSON.parse(/** @type {string} */ (aiAnswer)),
});
after(async () => {
  await worker.close();
  await Promise.all([there.close(), other.close()]);
});

const anthropic = new Anthropic({ apiKey: "none", baseURL: worker.url.href, maxRetries: 0 });
const openai = new OpenAI({ apiKey: "none", baseURL: new URL("v1", worker.url).href, maxRetries: 0 });
const messages = [{ role: /** @type {const} */ ("user"), content: "Hello" }];

/** @param {string} body what the upstream answers */
function answers(body) {
  there.does(text(body));
  aiAnswer = body;
}

/** @param {string} body @param {string} [model] */
async function message(body, model = "alone") {
  answers(body);
  return anthropic.messages.create({ model, max_tokens: 64, messages });
}

/** @param {string} body @param {string} model */
async function completion(body, model) {
  answers(body);
  return openai.chat.completions.create({ model, messages });
}

/** @param {object} said @param {object} [more] */
const choice = (said, more) =>
  JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", ...said }, finish_reason: "stop", ...more }] });
/** @param {string | undefined} id @param {unknown} args */
const call = (id, args) => ({ id, type: "function", function: { name: "look", arguments: args } });

/** The arguments of the first call. @param {OpenAI.ChatCompletion} completion */
function argumentsOf({ choices }) {
  const found = choices[0]?.message.tool_calls?.[0];
  return found?.type === "function" ? found.function.arguments : "";
}

test("parts of content become text and thinking", async () => {
  const content = [
    { type: "thinking", thinking: [{ type: "text", text: "A greeting." }] },
    { type: "text", text: "Hel" },
    { type: "reference", reference_ids: [1] },
    { type: "text", text: "lo." },
  ];
  for (const model of ["alone", "cf"]) {
    const { content: blocks } = await message(choice({ content }), model);
    const texts = blocks.map((b) => (b.type === "thinking" ? b.thinking : b.type === "text" && b.text));
    assert.deepEqual(texts, ["A greeting.", "Hello."], model);
  }
  const { choices } = await completion(choice({ content }), "cf");
  assert.equal(choices[0]?.message.content, "Hello.");
});

test("ids and a model that are absent are made, and ids differ between equal answers", async () => {
  for (const model of ["alone", "cf"]) {
    const body = choice({ content: null, tool_calls: [call(undefined, "{}"), call("", { a: 1 })] });
    const [one, two] = [await message(body, model), await message(body, model)];
    assert.match(one.id, /^msg_./);
    assert.notEqual(one.id, two.id);
    const ids = [one, two].flatMap(({ content }) => content.map((b) => b.type === "tool_use" && b.id));
    assert.equal(new Set(ids).size, 4, `${ids}`);
    assert.equal(one.model, model === "cf" ? "@cf/there" : "plain-there");
    assert.equal(one.stop_reason, "tool_use");
  }
  const { id, model, choices } = await completion(
    '{"content": [{"type": "tool_use", "name": "look", "input": {}}]}',
    "claude",
  );
  assert.match(id, /^chatcmpl-./);
  assert.deepEqual([model, choices[0]?.finish_reason], ["claude-there", "tool_calls"]);
  assert.match(choices[0]?.message.tool_calls?.[0]?.id ?? "", /^call_/);
});

test("a call's arguments keep the order of their fields and the digits of their numbers", async () => {
  const input = '{"z":1.0,"a":12345678901234567890123,"half":"\\ud83d"}';
  answers(choice({ content: null, tool_calls: [call("c0", input)] }));
  const response = await worker.post("v1/messages", { model: "alone", max_tokens: 9, messages });
  assert.match(await response.text(), /"input":\{"z":1\.0,"a":12345678901234567890123,"half":"\ufffd"\}/);
  const block = `{"content": [{"type": "tool_use", "id": "t", "name": "look", "input": ${input}}]}`;
  assert.match(argumentsOf(await completion(block, "claude")), /^\{"z":1\.0,"a":12345678901234567890123,"half":/);
  const classic = `{"response": null, "tool_calls": [{"name": "look", "arguments": {"z":1,"a":[2]}}]}`;
  assert.equal(argumentsOf(await completion(classic, "cf")), '{"z":1,"a":[2]}');
});

test("arguments are read as servers spell them", async () => {
  for (const args of ["", "null", "{}", '"{}"', {}, null, undefined]) {
    const { content } = await message(choice({ content: null, tool_calls: [call("c0", args)] }));
    assert.deepEqual(content[0]?.type === "tool_use" && content[0].input, {}, JSON.stringify(args));
  }
  const cut = await message(choice({ tool_calls: [call("c0", '{"q": "Ro')] }, { finish_reason: "length" }));
  assert.deepEqual([cut.stop_reason, cut.content[0]?.type], ["max_tokens", "tool_use"]);
  const old = await message(choice({ content: null, function_call: { name: "look", arguments: "{}" } }));
  assert.equal(old.content[0]?.type, "tool_use");
});

test("half an emoji in a whole answer becomes U+FFFD", async () => {
  const body = choice({ content: "TEXT" }).replace("TEXT", String.raw`\ud83d\ude00 \ud83d`);
  const { content } = await message(body);
  assert.equal(content[0]?.type === "text" && content[0].text, "😀 \ufffd");
  const claude = String.raw`{"content": [{"type": "text", "text": "\ud83d\ude00 \ud83d"}], "stop_reason": "max_tokens"}`;
  const { choices } = await completion(claude, "claude");
  assert.deepEqual([choices[0]?.message.content, choices[0]?.finish_reason], ["😀 \ufffd", "length"]);
});

test("why an answer ended is told", async () => {
  /** @type {[more: object, expected: [reason: string | null, sequence: string | null]][]} */
  const cases = [
    [{ stop_reason: "END" }, ["stop_sequence", "END"]],
    [{ finish_reason: "" }, ["end_turn", null]],
    [{ finish_reason: "content_filter" }, ["refusal", null]],
    [{ finish_reason: "model_length" }, ["model_context_window_exceeded", null]],
  ];
  for (const [more, expected] of cases) {
    const { stop_reason, stop_sequence } = await message(choice({ content: "x" }, more));
    assert.deepEqual([stop_reason, stop_sequence], expected, JSON.stringify(more));
  }
  for (const [reason, expected] of [
    ["pause_turn", "length"],
    ["model_context_window_exceeded", "length"],
    ["refusal", "content_filter"],
    ["stop_sequence", "stop"],
  ]) {
    const { choices } = await completion(
      JSON.stringify({ content: [{ type: "text", text: "x" }], stop_reason: reason }),
      "claude",
    );
    assert.equal(choices[0]?.finish_reason, expected, reason);
  }
});

/** @type {[what: string, body: string][]} */
const FAILED = [
  [
    "a choice that is an error",
    choice({ content: "" }, { finish_reason: "error", error: { code: 502, message: "provider died" } }),
  ],
  ["a choice that failed without words", choice({ content: "Half" }, { finish_reason: "error" })],
  ["an error beside empty choices", '{"choices": [], "error": {"message": "provider died", "code": 502}}'],
  ["an object that is an error", '{"object": "error", "message": "provider died", "code": 500}'],
];

for (const [what, body] of FAILED) {
  test(`${what} is no answer: the fallback answers`, async () => {
    answers(body);
    const { data, response } = await anthropic.messages
      .create({ model: "plain", max_tokens: 9, messages })
      .withResponse();
    assert.equal(data.content[0]?.type === "text" && data.content[0].text, "From the other.");
    assert.equal(decisionHeaders(response).model, "other");
    const { choices } = await openai.chat.completions.create({ model: "plain", messages });
    assert.equal(choices[0]?.message.content, "From the other.");
  });
}
