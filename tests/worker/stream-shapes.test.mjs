// Streams as upstreams really send them, read by OpenAI's and Anthropic's client libraries.

/** @import { Answer } from "./stand-ins.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import { Response as AiAnswer } from "miniflare";
import OpenAI from "openai";

import { drained, eventsIn, gateway } from "./gateway.mjs";
import { chunk, event } from "./openai-stand-in.mjs";
import { pieces, text, upstream } from "./stand-ins.mjs";

const there = await upstream();
/** @type {string[]} what the binding AI streams */
let aiEvents = [];
const worker = await gateway({
  upstreams: {
    plain: { baseUrl: there.url, model: "plain-there" },
    claude: { api: "anthropic", baseUrl: there.url, model: "claude-there" },
    cf: { api: "workers-ai", model: "@cf/there" },
  },
  gateway: { retries: { most: 0, baseMs: 1 }, breaker: { failures: 1000 } },
  ai: () => new AiAnswer(aiEvents.join(""), { headers: { "content-type": "text/event-stream" } }),
});
after(async () => {
  await worker.close();
  await there.close();
});

const anthropic = new Anthropic({ apiKey: "none", baseURL: worker.url.href, maxRetries: 0 });
const openai = new OpenAI({ apiKey: "none", baseURL: new URL("v1", worker.url).href, maxRetries: 0 });

/** @param {string[]} events of a chat upstream, or of the binding @param {string} [model] */
async function message(events, model = "plain") {
  there.does(pieces(events));
  aiEvents = events;
  const request = { model, max_tokens: 64, messages: [{ role: /** @type {const} */ ("user"), content: "Hello" }] };
  return anthropic.messages.stream(request).finalMessage();
}

/** @param {string[]} events @param {string} model */
async function completion(events, model) {
  there.does(pieces(events));
  aiEvents = events;
  const request = { model, messages: [{ role: /** @type {const} */ ("user"), content: "Hello" }] };
  const { choices } = await openai.chat.completions.stream(request).finalChatCompletion();
  return choices[0];
}

const done = event("[DONE]");
const finish = (/** @type {string} */ reason, more = {}) => chunk({}, { finish_reason: reason, ...more });
/** @param {object[]} list */
const calls = (...list) => chunk({ tool_calls: list });
/** A piece of a call. @param {number | undefined} index @param {string | undefined} id @param {string | undefined} name @param {unknown} [args] */
const piece = (index, id, name, args) => ({ index, id, type: "function", function: { name, arguments: args } });
/** The calls of a message. @param {Anthropic.Message} message */
const called = ({ content }) =>
  content.flatMap((block) => (block.type === "tool_use" ? [[block.id, block.name, block.input]] : []));
/** The functions that a chat message calls. @param {OpenAI.ChatCompletionMessage} message */
const functionsOf = ({ tool_calls = [] }) =>
  tool_calls.flatMap((call) => (call.type === "function" ? [{ id: call.id, ...call.function }] : []));
const A = '{"q":"a"}';
const B = '{"q":"b"}';

/** @type {[what: string, events: string[], expected: [id: string | undefined, name: string, input: object][]][]} */
const CALLS = [
  [
    "arguments by turns",
    [
      calls(piece(0, "c0", "look", ""), piece(1, "c1", "look", "")),
      calls(piece(1, undefined, undefined, B.slice(0, 5))),
      calls(piece(0, undefined, undefined, A.slice(0, 3))),
      calls(piece(1, undefined, undefined, B.slice(5)), piece(0, undefined, undefined, A.slice(3))),
    ],
    [
      ["c0", "look", { q: "a" }],
      ["c1", "look", { q: "b" }],
    ],
  ],
  [
    "every call with the index 0",
    [calls(piece(0, "c0", "look", A)), calls(piece(0, "c1", "look", B))],
    [
      ["c0", "look", { q: "a" }],
      ["c1", "look", { q: "b" }],
    ],
  ],
  [
    "no index and no id, arguments as an object",
    [calls(piece(undefined, undefined, "look", { q: "a" }), piece(undefined, undefined, "look", { q: "b" }))],
    [
      [undefined, "look", { q: "a" }],
      [undefined, "look", { q: "b" }],
    ],
  ],
  [
    "id and name in every piece",
    [calls(piece(0, "c0", "look", A.slice(0, 4))), calls(piece(0, "c0", "look", A.slice(4)))],
    [["c0", "look", { q: "a" }]],
  ],
  [
    "an id, then a name, then arguments",
    [calls(piece(0, "c0", undefined)), calls(piece(0, undefined, "look")), calls(piece(0, undefined, undefined, A))],
    [["c0", "look", { q: "a" }]],
  ],
  [
    "a name after its arguments, in pieces",
    [calls(piece(0, "c0", undefined, A)), calls(piece(0, undefined, "look", ""))],
    [["c0", "look", { q: "a" }]],
  ],
  ["a call without arguments", [calls(piece(0, "c0", "look", ""))], [["c0", "look", {}]]],
  [
    "an empty finish_reason in every chunk",
    [chunk({ tool_calls: [piece(0, "c0", "look", A)] }, { finish_reason: "" })],
    [["c0", "look", { q: "a" }]],
  ],
];

for (const model of ["plain", "cf"]) {
  for (const [what, events, expected] of CALLS) {
    test(`${model}: tool calls with ${what}`, async () => {
      const stream = [chunk({ role: "assistant", content: "" }), ...events, finish("tool_calls"), done];
      const answer = await message(stream, model);
      assert.equal(answer.stop_reason, "tool_use");
      const found = called(answer);
      assert.deepEqual(
        found.map(([, ...rest]) => rest),
        expected.map(([, ...rest]) => rest),
      );
      for (const [at, [id]] of expected.entries()) if (id) assert.equal(found[at]?.[0], id);
      assert.equal(new Set(found.map(([id]) => id)).size, expected.length, "ids differ");
    });
  }
}

test("cf: an OpenAI client gets the same calls", async () => {
  for (const [what, events, expected] of CALLS) {
    const stream = [chunk({ role: "assistant", content: "" }), ...events, finish("stop"), done];
    const { message: found, finish_reason } = await completion(stream, "cf");
    const list = functionsOf(found).map((call) => [call.name, JSON.parse(call.arguments)]);
    assert.deepEqual(
      list,
      expected.map(([, ...rest]) => rest),
      what,
    );
    assert.equal(finish_reason, "tool_calls", what);
  }
});

test("text between and after calls keeps its place", async () => {
  const { content } = await message([
    calls(piece(0, "c0", "look", '{"q":')),
    chunk({ content: "Between. " }),
    calls(piece(0, undefined, undefined, '"a"}')),
    chunk({ reasoning_content: "Hm." }),
    chunk({ content: "After." }),
    finish("stop"),
    done,
  ]);
  assert.deepEqual(
    content.map((block) => (block.type === "text" ? block.text : block.type)),
    ["tool_use", "Between. ", "thinking", "After."],
  );
});

const EMPTY = [
  chunk({ role: "assistant", content: "" }, { finish_reason: "" }),
  ...["One ", "two"].map((content) => chunk({ content }, { finish_reason: "" })),
];

test("an empty finish_reason ends no block, and no answer", async () => {
  for (const model of ["plain", "cf"]) {
    const { content } = await message([...EMPTY, finish("stop"), done], model);
    assert.deepEqual(
      content.map((block) => block.type === "text" && block.text),
      ["One two"],
      model,
    );
  }
  there.does(pieces(EMPTY));
  const { text: came } = await drained(await worker.chat({ model: "plain", stream: true }));
  assert.equal(eventsIn(came).at(-1).error.code, "upstream_broke_off");
});

const PARTS = [
  chunk({ content: [{ type: "thinking", thinking: [{ type: "text", text: "A " }] }] }),
  chunk({ content: [{ type: "thinking", thinking: [{ type: "text", text: "greeting." }] }] }),
  chunk({
    content: [
      { type: "text", text: "Hel" },
      { type: "reference", reference_ids: [1] },
    ],
  }),
  chunk({ content: [{ type: "output_text", text: "lo." }] }),
  finish("stop"),
  done,
];

test("parts of content become text and thinking", async () => {
  for (const model of ["plain", "cf"]) {
    const { content } = await message(PARTS, model);
    const texts = content.map((b) => (b.type === "thinking" ? b.thinking : b.type === "text" && b.text));
    assert.deepEqual(texts, ["A greeting.", "Hello."], model);
  }
  const { message: found } = await completion(PARTS, "cf");
  assert.equal(found.content, "Hello.");
});

test("reasoning is read from the texts of reasoning_details", async () => {
  const details = (/** @type {string} */ text) => ({ reasoning_details: [{ type: "reasoning.text", text }] });
  const { content } = await message([
    chunk(details("A ")),
    chunk(details("b.")),
    chunk({ content: "c" }),
    finish("stop"),
    done,
  ]);
  assert.deepEqual(content[0]?.type === "thinking" && content[0].thinking, "A b.");
});

/** A chunk whose JSON has a text as it is written. @param {string} written */
const raw = (written) => chunk({ content: "TEXT" }).replace("TEXT", written);

test("an emoji in two halves arrives whole, and a half alone as U+FFFD", async () => {
  const halves = [
    raw(String.raw`Look: \ud83d`),
    raw(String.raw`\ude00\ud83d`),
    chunk({ content: " done" }),
    finish("stop"),
    done,
  ];
  for (const model of ["plain", "cf"]) {
    const { content } = await message(halves, model);
    assert.deepEqual(
      content.map((b) => b.type === "text" && b.text),
      ["Look: 😀\ufffd done"],
      model,
    );
  }
  const { message: found } = await completion(halves, "cf");
  assert.equal(found.content, "Look: 😀\ufffd done");
  const args = (/** @type {string} */ written) => calls(piece(0, "c0", "look", "TEXT")).replace("TEXT", written);
  const call = await message([
    args(String.raw`{\"q\":\"\ud83d`),
    args(String.raw`\ude00\"}`),
    finish("tool_calls"),
    done,
  ]);
  assert.deepEqual(called(call), [["c0", "look", { q: "😀" }]]);
});

/** Anthropic's events of one block. @param {object} block @param {string[]} deltas */
const blockEvents = (block, deltas) => [
  event(
    { type: "message_start", message: { role: "assistant", content: [], usage: { input_tokens: 1 } } },
    "message_start",
  ),
  event({ type: "content_block_start", index: 0, content_block: block }, "content_block_start"),
  ...deltas,
  event({ type: "content_block_stop", index: 0 }, "content_block_stop"),
  event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 1 } }, "message_delta"),
  event({ type: "message_stop" }, "message_stop"),
];

test("claude: halves are joined, and ids and a model are made", async () => {
  const delta = (/** @type {string} */ written) =>
    event(
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "TEXT" } },
      "content_block_delta",
    ).replace("TEXT", written);
  there.does(pieces(blockEvents({ type: "text", text: "" }, [delta(String.raw`a\ud83d`), delta(String.raw`\ude00`)])));
  const { text: came } = await drained(await worker.chat({ model: "claude", stream: true }));
  const chunks = eventsIn(came);
  assert.equal(chunks.map((data) => data.choices?.[0]?.delta.content ?? "").join(""), "a😀");
  assert.deepEqual([typeof chunks[0].id, chunks[0].id.length > 9, chunks[0].model], ["string", true, "claude-there"]);
  const { message: found, finish_reason } = await completion(
    blockEvents({ type: "tool_use", name: "look", input: {} }, []),
    "claude",
  );
  const [called] = functionsOf(found);
  assert.deepEqual([called?.arguments, finish_reason], ["{}", "tool_calls"]);
  assert.match(called?.id ?? "", /^call_/);
});

test("ids that the upstream leaves out differ between equal answers", async () => {
  const bare = (/** @type {object} */ delta, /** @type {string | null} */ end) =>
    event({ choices: [{ index: 0, delta, finish_reason: end }] });
  const stream = [bare({ tool_calls: [piece(0, "", "look", A)] }, null), bare({}, "tool_calls"), done];
  const [one, two] = [await message(stream), await message(stream)];
  assert.match(one.id, /^msg_./);
  assert.notEqual(one.id, two.id);
  assert.notEqual(called(one)[0]?.[0], called(two)[0]?.[0]);
  assert.equal(one.model, "plain-there");
});

test("why an answer ended is told", async () => {
  /** @type {[end: string, more: object, expected: [reason: string | null, sequence: string | null]][]} */
  const cases = [
    ["stop", { stop_reason: "END" }, ["stop_sequence", "END"]],
    ["stop", { matched_stop: "END" }, ["stop_sequence", "END"]],
    ["stop", { stop_reason: 151_645 }, ["end_turn", null]],
    ["content_filter", {}, ["refusal", null]],
    ["length", {}, ["max_tokens", null]],
    ["model_length", {}, ["model_context_window_exceeded", null]],
  ];
  for (const [end, more, expected] of cases) {
    const { stop_reason, stop_sequence } = await message([chunk({ content: "x" }), finish(end, more), done]);
    assert.deepEqual([stop_reason, stop_sequence], expected, `${end} ${JSON.stringify(more)}`);
  }
  const refused = await message([chunk({ refusal: "Not this." }), finish("stop"), done]);
  assert.equal(refused.stop_reason, "refusal");
});

test("a choice that fails in mid-stream is the stream's error, with the upstream's words", async () => {
  const error = { code: 502, message: "provider died" };
  for (const last of [
    finish("error", { error }),
    event({ error, choices: [{ index: 0, delta: {}, finish_reason: "error" }] }),
  ]) {
    const stream = [chunk({ role: "assistant", content: "Half" }), last, done];
    for (const model of ["plain", "cf"]) {
      await assert.rejects(message(stream, model), /provider died/, model);
      await assert.rejects(completion(stream, model), /provider died/, model);
    }
  }
});

test("too many bytes behind a call without an end are an error, and not memory", async () => {
  const long = chunk({ content: "x".repeat(900_000) });
  const stream = [calls(piece(0, "c0", "look", "{")), ...Array.from({ length: 6 }, () => long), finish("stop"), done];
  await assert.rejects(message(stream), /behind a call without an end/);
});

/** @type {[what: string, body: object][]} */
const WHOLE = [
  ["a text", { content: "Whole." }],
  [
    "reasoning and calls",
    {
      content: null,
      reasoning_content: "Hm.",
      tool_calls: [{ id: "c0", type: "function", function: { name: "look", arguments: A } }],
    },
  ],
];

/** @param {object} body @returns {Answer} */
const json = (body) => text(JSON.stringify(body));

for (const [what, body] of WHOLE) {
  test(`${what} as whole JSON, where a stream was asked for, becomes a stream`, async () => {
    const whole = {
      id: "c",
      object: "chat.completion",
      created: 1,
      model: "m",
      choices: [{ index: 0, message: { role: "assistant", ...body }, finish_reason: "stop" }],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    };
    there.does(json(whole));
    const request = {
      model: "plain",
      messages: [{ role: /** @type {const} */ ("user"), content: "Hello" }],
      stream_options: { include_usage: true },
    };
    const found = await openai.chat.completions.stream(request).finalChatCompletion();
    const [{ message: said }] = found.choices;
    assert.equal(said.content ?? "", /** @type {{content: string | null}} */ (body).content ?? "");
    assert.equal(functionsOf(said)[0]?.arguments, what === "a text" ? undefined : A);
    assert.equal(found.usage?.total_tokens, 5);
    const stream = anthropic.messages.stream({ model: "plain", max_tokens: 9, messages: request.messages });
    const { content, usage } = await stream.finalMessage();
    const types = content.map((block) => block.type);
    assert.deepEqual(types, what === "a text" ? ["text"] : ["thinking", "tool_use"]);
    assert.equal(usage.output_tokens, 2);
  });
}

test("a whole message of Anthropic's API becomes a stream in either API", async () => {
  const content = [
    { type: "thinking", thinking: "Hm.", signature: "c2ln" },
    { type: "text", text: "Whole." },
    { type: "tool_use", id: "t0", name: "look", input: { q: "a" } },
  ];
  const whole = {
    id: "m",
    type: "message",
    role: "assistant",
    model: "c",
    content,
    stop_reason: "tool_use",
    stop_sequence: null,
    usage: { input_tokens: 3, output_tokens: 2 },
  };
  there.does(json(whole));
  const messages = [{ role: /** @type {const} */ ("user"), content: "Hello" }];
  const found = await anthropic.messages.stream({ model: "claude", max_tokens: 9, messages }).finalMessage();
  assert.deepEqual(
    found.content.map((block) => (block.type === "tool_use" ? block.input : block.type === "text" && block.text)),
    [false, "Whole.", { q: "a" }],
  );
  assert.deepEqual([found.stop_reason, found.usage.output_tokens], ["tool_use", 2]);
  const { choices } = await openai.chat.completions.stream({ model: "claude", messages }).finalChatCompletion();
  assert.deepEqual([choices[0]?.message.content, choices[0]?.finish_reason], ["Whole.", "tool_calls"]);
});

test("a whole response and a whole completion of a prompt become streams too", async () => {
  const part = { type: "output_text", text: "Whole.", annotations: [] };
  const output = [
    { type: "message", id: "m", status: "completed", role: "assistant", content: [part] },
    { type: "function_call", id: "f", call_id: "c0", name: "look", arguments: A, status: "completed" },
  ];
  there.does(json({ id: "resp_1", object: "response", created_at: 1, status: "completed", model: "m", output }));
  const stream = openai.responses.stream({ model: "plain", input: "Hello" });
  let deltas = "";
  stream.on("response.output_text.delta", ({ delta }) => {
    deltas += delta;
  });
  const response = await stream.finalResponse();
  assert.deepEqual([response.output_text, deltas, response.output[1]?.type], ["Whole.", "Whole.", "function_call"]);
  there.does(
    json({ id: "c", object: "text_completion", choices: [{ index: 0, text: "Whole.", finish_reason: "stop" }] }),
  );
  let words = "";
  for await (const { choices } of await openai.completions.create({ model: "plain", prompt: "Hello", stream: true })) {
    words += choices[0]?.text;
  }
  assert.equal(words, "Whole.");
});
