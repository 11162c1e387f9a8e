// Anthropic's client library against the gateway, with upstreams of both APIs.

/** @import { Answer, Upstream } from "./stand-ins.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";

import { anthropic, anthropicError } from "./anthropic-stand-in.mjs";
import { BUNDLE, decisionHeaders, gateway, HURRIED } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { chunk, event, openai } from "./openai-stand-in.mjs";
import { breaking, status, upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const who = key("client");
const only = key("only", { models: [weak] });

const plain = await upstream();
const claude = await upstream();
// The weak candidate's upstream has OpenAI's API, the strong one's has Anthropic's.
const upstreams = {
  [weak]: { baseUrl: plain.url, model: "plain-there", keySecret: "PLAIN_KEY" },
  [strong]: { api: "anthropic", baseUrl: claude.url, model: "claude-there", keySecret: "CLAUDE_KEY" },
};
const secrets = { PLAIN_KEY: "sk-plain", CLAUDE_KEY: "sk-claude" };
const worker = await gateway({
  upstreams,
  keys: [who.entry, only.entry],
  secrets,
  gateway: { retries: { ...HURRIED.retries, most: 0 } },
});
after(async () => {
  await worker.close();
  await Promise.all([plain.close(), claude.close()]);
});

const clientOf = (/** @type {string} */ apiKey) => new Anthropic({ apiKey, baseURL: worker.url.href, maxRetries: 0 });
const client = clientOf(who.text);
/** @type {{max_tokens: number, messages: Anthropic.MessageParam[]}} */
const common = { max_tokens: 64, messages: [{ role: "user", content: "Hello" }] };
/** @type {Anthropic.Tool[]} */
const tools = [
  {
    name: "weather",
    description: "The weather",
    input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
];
const CALL = { id: "call_1", name: "weather", input: { city: "Rome or so" } };

/** @typedef {{text?: string, tools?: (typeof CALL)[], cut?: boolean}} Wanted an answer; `cut` off at the token limit */

/** @type {[model: string, there: Upstream, answering: (wanted: Wanted) => Answer][]} */
const UPSTREAMS = [
  [
    weak,
    plain,
    ({ text, tools: calls, cut }) =>
      openai({
        text,
        tools: calls?.map(({ id, name, input }) => ({ id, name, arguments: JSON.stringify(input) })),
        finish: cut ? "length" : undefined,
      }),
  ],
  [
    strong,
    claude,
    ({ text, tools: calls, cut }) => anthropic({ text, tools: calls, stop: cut ? "max_tokens" : undefined }),
  ],
];

/** The text of a message of one block of text. */
const textOf = (/** @type {Anthropic.Message} */ { content: [block] }) =>
  block.type === "text" ? block.text : undefined;

/** @typedef {new (...given: never[]) => InstanceType<typeof Anthropic.APIError>} ErrorClass of the client's errors */

/** The body of an error's response. */
const bodyOf = (/** @type {InstanceType<ErrorClass>} */ { error }) =>
  /** @type {{type: string, error: {type: string, message: string}}} */ (error);

for (const [model, there, answering] of UPSTREAMS) {
  test(`${model}: a message has its text, usage and stop reason`, async () => {
    there.does(answering({ text: "Rome, of course." }));
    const message = await client.messages.create({ model, ...common });
    assert.deepEqual([message.type, message.role, message.stop_reason], ["message", "assistant", "end_turn"]);
    assert.deepEqual(
      [message.content.length, message.content[0].type, textOf(message)],
      [1, "text", "Rome, of course."],
    );
    assert.deepEqual([message.usage.input_tokens, message.usage.output_tokens], [100, 50]);
  });

  test(`${model}: a stream has its events in Anthropic's order`, async () => {
    there.does(answering({ text: "One two three." }));
    /** @type {string[]} */
    const types = [];
    let text = "";
    for await (const one of await client.messages.create({ model, ...common, stream: true })) {
      if (types.at(-1) !== one.type) types.push(one.type);
      if (one.type === "content_block_delta" && one.delta.type === "text_delta") text += one.delta.text;
    }
    assert.equal(text, "One two three.");
    const expected = [
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ];
    assert.deepEqual(
      types.filter((type) => type !== "ping"),
      expected,
    );
    const whole = await client.messages.stream({ model, ...common }).finalMessage();
    assert.deepEqual([textOf(whole), whole.stop_reason], ["One two three.", "end_turn"]);
  });

  test(`${model}: a tool call arrives, whole and streamed, and its result reaches the upstream`, async () => {
    const second = { id: "call_2", name: "weather", input: { city: "Oslo" } };
    there.does(answering({ tools: [CALL, second] }));
    const calls = (/** @type {Anthropic.Message} */ message) =>
      message.content.flatMap((block) =>
        block.type === "tool_use" ? [{ id: block.id, name: block.name, input: block.input }] : [],
      );
    const message = await client.messages.create({ model, ...common, tools });
    assert.deepEqual([message.stop_reason, calls(message)], ["tool_use", [CALL, second]]);
    const streamed = await client.messages.stream({ model, ...common, tools }).finalMessage();
    assert.deepEqual([streamed.stop_reason, calls(streamed)], ["tool_use", [CALL, second]]);
    there.does(answering({ text: "Sunny." }));
    /** @type {Anthropic.MessageParam[]} */
    const continued = [
      ...common.messages,
      { role: "assistant", content: message.content },
      {
        role: "user",
        content: [CALL, second].map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "sun" })),
      },
    ];
    assert.equal(textOf(await client.messages.create({ model, ...common, messages: continued, tools })), "Sunny.");
  });

  test(`${model}: an answer cut off at the token limit says so`, async () => {
    there.does(answering({ text: "And", cut: true }));
    assert.equal((await client.messages.create({ model, ...common })).stop_reason, "max_tokens");
  });

  test(`${model}: upstream errors have Anthropic's types`, async () => {
    /** @type {[code: number, type: ErrorClass][]} */
    const errors = [
      [400, Anthropic.BadRequestError],
      [429, Anthropic.RateLimitError],
      [500, Anthropic.InternalServerError],
    ];
    for (const [code, type] of errors) {
      there.does(model === weak ? status(code) : anthropicError(code, "some_error", `stand-in says ${code}`));
      await assert.rejects(
        client.messages.create({ model, ...common }),
        (error) =>
          error instanceof type && bodyOf(error).type === "error" && error.message.includes(`stand-in says ${code}`),
      );
    }
  });
}

test("auto routes conversations to both upstreams", async () => {
  plain.does(openai({ text: "Plain." }));
  claude.does(anthropic({ text: "Claude." }));
  for (const [threshold, text, model] of [
    ["1", "Plain.", weak],
    ["0", "Claude.", strong],
  ]) {
    const headers = { "x-pointsman-threshold": threshold };
    const { data, response } = await client.messages.create({ model: "auto", ...common }, { headers }).withResponse();
    assert.deepEqual([textOf(data), response.headers.get("x-pointsman-model")], [text, model]);
    assert.ok(response.headers.get("x-request-id"));
  }
});

test("a request for an OpenAI-compatible upstream is translated", async () => {
  plain.does(openai());
  await client.messages.create({
    model: weak,
    max_tokens: 77,
    // @ts-expect-error the client's types lack it, the API's requests do not
    temperature: 0.5,
    stop_sequences: ["END"],
    tools,
    tool_choice: { type: "any" },
    system: [{ type: "text", text: "Be brief." }],
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "text", text: "Let me look." },
          { type: "tool_use", ...CALL },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: CALL.id, content: [{ type: "text", text: "sun" }] },
          { type: "text", text: "So?" },
        ],
      },
    ],
  });
  const [{ path, headers, json }] = plain.requests;
  assert.deepEqual(
    [path, headers.authorization, headers["x-api-key"]],
    ["/v1/chat/completions", "Bearer sk-plain", undefined],
  );
  assert.deepEqual(
    [json.model, json.temperature, json.stop, json.tool_choice],
    ["plain-there", 0.5, ["END"], "required"],
  );
  assert.equal(json.max_tokens ?? json.max_completion_tokens, 77);
  assert.deepEqual(
    json.messages.map((/** @type {{role: string}} */ { role }) => role),
    ["system", "user", "assistant", "tool", "user"],
  );
  const [system, question, assistant, result, so] = json.messages;
  assert.match(JSON.stringify(system.content), /Be brief\./);
  assert.equal(question.content[1].image_url.url, "data:image/png;base64,AAAA");
  const [call] = assistant.tool_calls;
  assert.deepEqual(
    [call.id, call.function.name, JSON.parse(call.function.arguments)],
    [CALL.id, CALL.name, CALL.input],
  );
  assert.deepEqual([result.tool_call_id, JSON.stringify(result.content).includes("sun")], [CALL.id, true]);
  assert.match(JSON.stringify(so.content), /So\?/);
  assert.deepEqual(json.tools[0].function.parameters, tools[0].input_schema);
});

test("an Anthropic upstream gets the caller's bytes with another model", async () => {
  claude.does(anthropic());
  const body = `{"model" : "auto", "max_tokens": 64, "thinking": {"type": "enabled", "budget_tokens": 1024}, "unknown": [1.0, 1e2],
    "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]}]}`;
  const headers = {
    ...bearer(who),
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "some-beta",
    "x-pointsman-threshold": "0",
  };
  const response = await worker.post("v1/messages", body, headers);
  assert.deepEqual([response.status, decisionHeaders(response).model], [200, strong]);
  const [sent] = claude.requests;
  assert.equal(sent.body, body.replace('"model" : "auto"', '"model" : "claude-there"'));
  assert.deepEqual(
    [sent.headers["x-api-key"], sent.headers["anthropic-version"], sent.headers["anthropic-beta"]],
    ["sk-claude", "2023-06-01", "some-beta"],
  );
  assert.equal(sent.headers.authorization, undefined);
});

test("the gateway's own errors have Anthropic's shape and the client's types", async () => {
  const call =
    (/** @type {Anthropic} */ from, fields = {}) =>
    () => {
      return from.messages.create({ model: "auto", ...common, ...fields });
    };
  /** @type {[make: () => Promise<unknown>, type: ErrorClass, kind: string][]} */
  const cases = [
    [call(clientOf("pm-wrong")), Anthropic.AuthenticationError, "authentication_error"],
    [call(clientOf(only.text)), Anthropic.PermissionDeniedError, "permission_error"],
    [call(client, { model: "nobody" }), Anthropic.NotFoundError, "not_found_error"],
    [call(client, { messages: [] }), Anthropic.BadRequestError, "invalid_request_error"],
  ];
  for (const [make, type, kind] of cases) {
    await assert.rejects(
      make,
      (error) =>
        error instanceof type &&
        bodyOf(error).type === "error" &&
        bodyOf(error).error.type === kind &&
        bodyOf(error).error.message.length > 5,
    );
  }
});

const HALF = {
  [weak]: [chunk({ role: "assistant" }), chunk({ content: "Half" })],
  [strong]: [
    {
      type: "message_start",
      message: {
        id: "msg_1",
        type: "message",
        role: "assistant",
        model: "m",
        content: [],
        usage: { input_tokens: 1, output_tokens: 1 },
      },
    },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Half" } },
  ].map((one) => event(one, one.type)),
};

for (const [model, there] of UPSTREAMS) {
  test(`${model}: a stream that breaks off makes the client throw`, async () => {
    there.does(breaking(HALF[model]));
    let text = "";
    await assert.rejects(async () => {
      for await (const one of await client.messages.create({ model, ...common, stream: true })) {
        if (one.type === "content_block_delta" && one.delta.type === "text_delta") text += one.delta.text;
      }
    });
    assert.equal(text, "Half");
  });
}
