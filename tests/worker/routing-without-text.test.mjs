// Requests with nothing to rate: pictures, files, calls' results, empty texts and characters that the engine refuses.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { alone, BUNDLE, decisionHeaders, everyCandidateAt, gateway, refused } from "./gateway.mjs";
import { openai } from "./openai-stand-in.mjs";
import { upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const NEVER_STRONG = { "x-pointsman-threshold": "1" };

const there = await upstream();
const plain = await gateway({ upstream: there });
after(async () => {
  await plain.close();
  await there.close();
});

const PICTURE = { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } };
const picture = { messages: [{ role: "user", content: [PICTURE] }] };

/** @param {Response} response */
async function chosen(response) {
  assert.equal(response.status, 200, await response.clone().text());
  const { model, reason } = decisionHeaders(response);
  return [model, reason];
}

test("a request without a user's text is answered by the strong model of the pair", async () => {
  there.does(openai());
  const pdf = { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AA==" } };
  const call = { id: "c", type: "function", function: { name: "look", arguments: "{}" } };
  /** @type {[path: string, body: object][]} */
  const cases = [
    ["chat/completions", picture],
    ["chat/completions", { messages: [{ role: "user", content: [pdf] }] }],
    ["chat/completions", { messages: [{ role: "user", content: "" }] }],
    ["chat/completions", { messages: [{ role: "user", content: " \n" }] }],
    ["chat/completions", { messages: [{ role: "system", content: "Greet the user." }] }],
    [
      "chat/completions",
      {
        messages: [
          { role: "assistant", content: null, tool_calls: [call] },
          { role: "tool", tool_call_id: "c", content: "7" },
        ],
      },
    ],
    ["completions", { prompt: [1, 2, 3] }],
    ["responses", { input: [{ type: "function_call_output", call_id: "c", output: "7" }] }],
    ["responses", { input: [{ role: "user", content: [{ type: "input_image", image_url: "data:," }] }] }],
    ["responses", { prompt: { id: "pmpt_1" } }],
    [
      "messages",
      {
        max_tokens: 9,
        messages: [{ role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "7" }] }],
      },
    ],
  ];
  for (const [path, body] of cases) {
    const response = await plain.post(`v1/${path}`, { model: "auto", ...body });
    assert.deepEqual(await chosen(response), [strong, "no_text"], JSON.stringify(body));
    assert.equal(decisionHeaders(response)["win-rate"], undefined);
  }
});

test("earlier messages of the conversation are rated where the last one has no text", async () => {
  there.does(openai());
  const messages = [{ role: "user", content: "Hello" }, { role: "assistant", content: "Yes?" }, ...picture.messages];
  assert.deepEqual(await chosen(await plain.chat({ messages }, NEVER_STRONG)), [weak, "below_threshold"]);
});

test("the default may be another model, and options, capabilities and lists come before it", async (t) => {
  there.does(openai());
  const upstreams = everyCandidateAt(there, {}, { [weak]: { vision: false } });
  const others = { ...upstreams, further: { baseUrl: there.url } };
  const worker = await alone(t, { upstreams: others, gateway: { routing: { default: "further" } } });
  assert.deepEqual(await chosen(await worker.chat(picture)), ["further", "no_text"]);
  assert.deepEqual(await chosen(await worker.chat(picture, { "x-pointsman-exclude": "further" })), [strong, "no_text"]);
  assert.deepEqual(await chosen(await worker.chat(picture, NEVER_STRONG)), [strong, "no_text"]);
  assert.deepEqual(await chosen(await plain.chat(picture, NEVER_STRONG)), [weak, "no_text"]);
  const weakest = await alone(t, { upstream: there, gateway: { routing: { default: "weak" } } });
  assert.deepEqual(await chosen(await weakest.chat(picture)), [weak, "no_text"]);
  await refused(worker.chat(picture, { "x-pointsman-models": weak }), 400, "no_candidate");
});

test("a default that is not served is an error of the configuration", async (t) => {
  const worker = await alone(t, { upstream: there, gateway: { routing: { default: "nobody" } } });
  await refused(worker.chat(), 500, "config_invalid");
  assert.match(worker.log.join(), /routing\.default names "nobody"/);
});

test("characters that the engine refuses are rated as others, and passed on as they are", async () => {
  there.does(openai());
  for (const content of ["dump: a\0b", "half of it: \ud83d"]) {
    const messages = [{ role: "user", content }];
    assert.deepEqual(await chosen(await plain.chat({ messages }, NEVER_STRONG)), [weak, "below_threshold"]);
    assert.deepEqual(there.last().json.messages, messages);
  }
});

test("a conversation without any message stays refused", async () => {
  there.does(openai());
  await refused(plain.chat({ messages: [] }), 400, "messages_without_text");
  assert.equal(there.requests.length, 0);
});
