// Conversations of Anthropic's clients whose turns are answered by different models.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { decisionHeaders, drained, eventsIn, gateway } from "./gateway.mjs";
import { event, openai } from "./openai-stand-in.mjs";
import { text, upstream } from "./stand-ins.mjs";

const claude = await upstream();
const plain = await upstream();
const worker = await gateway({
  upstreams: {
    one: { api: "anthropic", baseUrl: claude.url, model: "claude-one" },
    two: { api: "anthropic", baseUrl: claude.url, model: "claude-two" },
    gpt: { baseUrl: plain.url, model: "gpt-there" },
  },
});
after(async () => {
  await worker.close();
  await Promise.all([claude.close(), plain.close()]);
});

const SIGNED = [
  { type: "thinking", thinking: "Hm.", signature: "c2lnbmVk" },
  { type: "redacted_thinking", data: "cmVkYWN0ZWQ=" },
  { type: "text", text: "Yes." },
];
const MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-one",
  content: SIGNED,
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
};
const EVENTS = [
  { type: "message_start", message: { ...MESSAGE, content: [], stop_reason: null } },
  { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "", signature: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "Hm." } },
  { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "c2lnbmVk" } },
  { type: "content_block_stop", index: 0 },
  { type: "content_block_start", index: 1, content_block: SIGNED[1] },
  { type: "content_block_stop", index: 1 },
  { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 1 } },
  { type: "message_stop" },
];
const answered = text(JSON.stringify(MESSAGE));

/**
 * Asks a model, and returns the answer.
 * @param {string} model
 * @param {object[]} turns between the user's first and last message
 * @param {object} more fields
 */
async function ask(model, turns = [], more = {}) {
  const user = { role: "user", content: "Well?" };
  const messages = turns.length > 0 ? [user, ...turns, user] : [user];
  const response = await worker.post("v1/messages", { model, max_tokens: 9, messages, ...more });
  assert.equal(response.status, 200);
  assert.equal(decisionHeaders(response).model, model);
  return response;
}

const contentOf = async (/** @type {Response} */ response) => (await response.json()).content;

test("a model gets back the thinking that it signed, and another model does not get it", async () => {
  claude.does(answered);
  const content = await contentOf(await ask("one"));
  assert.notEqual(content[0].signature, SIGNED[0].signature);
  const turn = { role: "assistant", content };
  await ask("one", [turn]);
  assert.deepEqual(claude.last().json.messages[1].content, SIGNED);
  await ask("two", [turn]);
  assert.deepEqual(claude.last().json.messages[1].content, [SIGNED[2]]);
  await ask("one", [{ role: "assistant", content: SIGNED.slice(0, 2) }]);
  assert.deepEqual(
    claude.last().json.messages.map((/** @type {{role: string}} */ { role }) => role),
    ["user", "user"],
  );
});

test("the same holds for a stream", async () => {
  claude.does(text(EVENTS.map((one) => event(one, one.type)).join(""), "text/event-stream"));
  const { text: came } = await drained(await ask("one", [], { stream: true }));
  const events = eventsIn(came);
  assert.equal(events.length, EVENTS.length);
  const { signature } = events[3].delta;
  const turn = {
    role: "assistant",
    content: [{ ...SIGNED[0], signature }, events[5].content_block, SIGNED[2]],
  };
  claude.does(answered);
  await ask("one", [turn]);
  assert.deepEqual(claude.last().json.messages[1].content, SIGNED);
  await ask("two", [turn]);
  assert.deepEqual(claude.last().json.messages[1].content, [SIGNED[2]]);
});

test("thinking and ids of another API are not sent to Anthropic's", async () => {
  const call = (/** @type {string} */ id) => ({ id, name: "now", arguments: "{}" });
  plain.does(openai({ tools: [call("functions.now:0"), call("functions.now:0")] }));
  const content = await contentOf(await ask("gpt"));
  const results = content
    .filter((/** @type {{type: string}} */ { type }) => type === "tool_use")
    .map((/** @type {{id: string}} */ { id }) => ({ type: "tool_result", tool_use_id: id }));
  const thinking = { type: "thinking", thinking: "Hm.", signature: "" };
  const turns = [
    { role: "assistant", content: [thinking, ...content] },
    { role: "user", content: results },
  ];
  claude.does(answered);
  await ask("one", [...turns, ...turns]);
  const sent = claude.last().json.messages;
  const ids = [sent[1], sent[3]].flatMap(({ content: blocks }) =>
    blocks.map((/** @type {{type: string, id: string}} */ { type, id }) => {
      assert.deepEqual([type, /^[a-zA-Z0-9_-]+$/.test(id)], ["tool_use", true]);
      return id;
    }),
  );
  assert.equal(new Set(ids).size, 4);
  const answers = [sent[2], sent[4]].flatMap(({ content: blocks }) =>
    blocks.map((/** @type {{tool_use_id: string}} */ { tool_use_id: id }) => id),
  );
  assert.deepEqual(answers, ids);
});
