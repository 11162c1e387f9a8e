// Upstreams of Workers AI, through a stand-in of the binding AI.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { Response as Answer } from "miniflare";

import { alone, BUNDLE, decisionHeaders, drained, eventsIn, gateway, refused } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { event, openai } from "./openai-stand-in.mjs";
import { upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const NAME = "@cf/meta/llama-there";

/** @typedef {(call: number) => Answer | object} Answering `call` counts from 1 */

/** @type {{model: string, inputs: any}[]} */
const calls = [];
/** @type {Answering} */
let answer;
const there = await upstream(openai({ text: "From the other." }));
const upstreams = {
  [weak]: { api: "workers-ai", model: NAME },
  [strong]: { baseUrl: there.url },
  fallen: { api: "workers-ai", model: NAME, fallbacks: [strong] },
};
const worker = await gateway({
  upstreams,
  gateway: {
    retries: { most: 1, baseMs: 1 },
    breaker: { failures: 1000 },
    timeouts: { headersMs: 2000, firstByteMs: 2000, idleMs: 150 },
  },
  ai: (model, inputs) => {
    calls.push({ model, inputs });
    return answer(calls.length);
  },
});
after(async () => {
  await worker.close();
  await there.close();
});

/** @param {Answering} does @param {object} fields */
function ask(does, fields = {}) {
  calls.length = 0;
  answer = does;
  return worker.chat({ model: weak, ...fields });
}

const events =
  (/** @type {unknown[]} */ ...list) =>
  () =>
    new Answer(list.map((one) => event(one)).join(""), { headers: { "content-type": "text/event-stream" } });
const usage = { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 };

test("a chat is answered by the binding, and the answer is a chat completion", async () => {
  const response = await ask(() => ({ response: "Rome.", usage }), { temperature: 0.5, max_tokens: 9 });
  const completion = await response.json();
  const [choice] = completion.choices;
  assert.deepEqual(
    [completion.object, completion.model, choice.message.role, choice.message.content, choice.finish_reason],
    ["chat.completion", NAME, "assistant", "Rome.", "stop"],
  );
  assert.deepEqual(completion.usage.total_tokens, 150);
  const { model, cost } = decisionHeaders(response);
  assert.equal(model, weak);
  assert.ok(Math.abs(Number(cost) - 0.000075) < 1e-9, cost);
  const [{ model: asked, inputs }] = calls;
  assert.deepEqual(
    [asked, inputs.messages, inputs.temperature, inputs.max_tokens],
    [NAME, [{ role: "user", content: "Hello" }], 0.5, 9],
  );
  assert.equal(inputs.model, undefined);
});

test("an answer that already is a chat completion is passed on", async () => {
  const response = await ask(() => ({
    id: "c",
    object: "chat.completion",
    created: 1,
    model: NAME,
    choices: [{ index: 0, message: { role: "assistant", content: "Rome." }, finish_reason: "length" }],
    usage,
  }));
  const {
    choices: [choice],
  } = await response.json();
  assert.deepEqual([choice.message.content, choice.finish_reason], ["Rome.", "length"]);
});

test("a stream becomes OpenAI's chunks and ends with [DONE]", async () => {
  const response = await ask(events({ response: "Ro" }, { response: "me." }, { response: "", usage }, "[DONE]"), {
    stream: true,
  });
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  const { text, whole } = await drained(response);
  assert.ok(whole);
  const found = eventsIn(text);
  assert.equal(found.at(-1), "[DONE]");
  const chunks = found.slice(0, -1);
  assert.ok(chunks.every(({ object }) => object === "chat.completion.chunk"));
  assert.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join(""), "Rome.");
  assert.equal(chunks.findLast(({ choices }) => choices.length > 0).choices[0].finish_reason, "stop");
  assert.equal(calls[0].inputs.stream, true);
});

test("tool calls are translated", async () => {
  const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object", properties: {} } } }];
  const response = await ask(
    () => ({ response: null, tool_calls: [{ name: "weather", arguments: { city: "Rome" } }] }),
    { tools },
  );
  const {
    choices: [choice],
  } = await response.json();
  assert.equal(choice.finish_reason, "tool_calls");
  const [call] = choice.message.tool_calls;
  assert.deepEqual(
    [call.type, call.function.name, JSON.parse(call.function.arguments)],
    ["function", "weather", { city: "Rome" }],
  );
  assert.ok(call.id);
  assert.equal(calls[0].inputs.tools.length, 1);
});

test("Anthropic's clients get translated answers", async () => {
  answer = () => ({ response: "Rome.", usage });
  const body = { model: weak, max_tokens: 9, system: "Be brief.", messages: [{ role: "user", content: "Hello" }] };
  const message = await (await worker.post("v1/messages", body)).json();
  assert.deepEqual([message.type, message.content[0].text, message.usage.output_tokens], ["message", "Rome.", 50]);
  assert.deepEqual(
    calls[calls.length - 1].inputs.messages.map((/** @type {{role: string}} */ { role }) => role),
    ["system", "user"],
  );
});

test("an error of the binding is retried, then passed on or left to the fallback", async () => {
  const busy = () => new Answer("3040: Capacity temporarily exceeded, please try again.", { status: 500 });
  const again = await ask((call) => (call === 1 ? busy() : { response: "Rome." }));
  assert.deepEqual([again.status, decisionHeaders(again).attempts], [200, "2"]);
  const never = await ask(busy);
  const error = (await never.json()).error;
  assert.ok(never.status >= 429, String(never.status));
  assert.ok(error.message.length > 5 && error.code);
  const fallen = await ask(busy, { model: "fallen" });
  assert.deepEqual(
    [fallen.status, decisionHeaders(fallen).model, decisionHeaders(fallen).attempts],
    [200, strong, "3"],
  );
});

test("an input that a model refuses is the caller's 400, called once, and shuts nobody out", async (t) => {
  const [bad, good] = ["bad", "good"].map((name) => key(name));
  let count = 0;
  const one = await alone(t, {
    upstreams,
    keys: [bad.entry, good.entry],
    gateway: { retries: { most: 1, baseMs: 1 }, breaker: { failures: 1 } },
    ai: (_, inputs) => {
      count += 1;
      const { temperature } = /** @type {{temperature?: number}} */ (inputs);
      if (temperature !== 99) return { response: "Rome.", usage };
      return new Answer("5006: Error: oneOf at '/' not met, '/temperature' must be <= 5", { status: 400 });
    },
  });
  for (let i = 0; i < 3; i += 1) {
    const error = await refused(one.chat({ model: weak, temperature: 99 }, bearer(bad)), 400, "upstream_error");
    assert.match(error.message, /5006: .*temperature/);
  }
  assert.equal(count, 3);
  assert.equal((await one.chat({ model: weak }, bearer(good))).status, 200);
  assert.equal((await one.chat({ model: weak }, bearer(bad))).status, 200);
});

test("a stream of the binding that begins with an error, or is empty, is retried", async () => {
  for (const bad of [events({ error: { message: "3040: no capacity" } }), events()]) {
    const response = await ask((call) => (call === 1 ? bad() : events({ response: "Rome." }, "[DONE]")()), {
      stream: true,
    });
    assert.deepEqual([response.status, decisionHeaders(response).attempts], [200, "2"]);
    assert.match(await response.text(), /Rome/);
  }
});

test("a stream of the binding that exceeds the idle limit ends with an error event", async () => {
  const silent = () =>
    new Answer(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(event({ response: "Ro" })));
        },
      }),
      { headers: { "content-type": "text/event-stream" } },
    );
  const { text } = await drained(await ask(silent, { stream: true }));
  assert.equal(eventsIn(text).at(-1).error.code, "upstream_timeout");
});

test("features that the binding lacks are refused", async () => {
  await refused(worker.post("v1/responses", { model: weak, input: "x" }), 400, "not_translatable");
  await refused(worker.post("v1/completions", { model: weak, prompt: "x" }), 400, "not_translatable");
});

test("without the binding AI its upstreams fail with binding_missing", async (t) => {
  const without = await alone(t, { upstreams });
  await refused(without.chat({ model: weak }), 500, "binding_missing");
  assert.equal((await without.chat({ model: strong })).status, 200);
});
