// OpenAI's client library against the gateway.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import OpenAI from "openai";

import { anthropic, anthropicError } from "./anthropic-stand-in.mjs";
import { BUNDLE, everyCandidateAt, gateway, HURRIED } from "./gateway.mjs";
import { key } from "./keys.mjs";
import { chunk, openai } from "./openai-stand-in.mjs";
import { breaking, status, upstream } from "./stand-ins.mjs";

const { weak, ids, name } = BUNDLE;
const who = key("client");
const only = key("only", { models: [weak] });

const there = await upstream();
const claude = await upstream();
const upstreams = {
  ...everyCandidateAt(there),
  vectors: { baseUrl: there.url },
  claude: { api: "anthropic", baseUrl: claude.url, model: "claude-there", keySecret: "CLAUDE_KEY" },
};
const worker = await gateway({
  upstreams,
  keys: [who.entry, only.entry],
  secrets: { CLAUDE_KEY: "sk-claude" },
  gateway: { retries: { ...HURRIED.retries, most: 0 } },
});
after(async () => {
  await worker.close();
  await Promise.all([there.close(), claude.close()]);
});

const clientOf = (/** @type {string} */ apiKey) =>
  new OpenAI({ apiKey, baseURL: new URL("v1", worker.url).href, maxRetries: 0 });
const client = clientOf(who.text);
/** @typedef {OpenAI.ChatCompletionMessageParam} Message */

/** @type {Message[]} */
const messages = [{ role: "user", content: "Hello" }];
/** @type {OpenAI.ChatCompletionTool[]} */
const tools = [
  {
    type: "function",
    function: {
      name: "weather",
      description: "The weather",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];
const CALL = { id: "call_1", name: "weather", arguments: '{"city": "Rome or so"}' };

/**
 * The models that answer a chat, one for each API.
 * @type {[model: string, answers: (wanted: {text?: string, tools?: (typeof CALL)[]}) => void][]}
 */
const MODELS = [
  ["auto", (wanted) => there.does(openai(wanted))],
  [
    "claude",
    ({ text, tools: calls }) =>
      claude.does(
        anthropic({
          text,
          tools: calls?.map(({ id, name, arguments: args }) => ({ id, name, input: JSON.parse(args) })),
        }),
      ),
  ],
];

/** The id, name and arguments of a message's only tool call. */
function calledBy(/** @type {OpenAI.ChatCompletionMessage} */ { tool_calls: [call] = [] }) {
  assert.equal(call?.type, "function");
  return [call.id, call.function.name, JSON.parse(call.function.arguments)];
}

/** @typedef {new (...given: never[]) => InstanceType<typeof OpenAI.APIError>} ErrorClass of the client's errors */

for (const [model, answers] of MODELS) {
  test(`${model}: a chat returns its answer, usage and decision`, async () => {
    answers({ text: "Rome, of course." });
    const { data, response } = await client.chat.completions.create({ model, messages }).withResponse();
    const [choice] = data.choices;
    assert.deepEqual(
      [data.object, choice.message.role, choice.message.content, choice.finish_reason],
      ["chat.completion", "assistant", "Rome, of course.", "stop"],
    );
    const { usage } = data;
    assert.deepEqual([usage?.prompt_tokens, usage?.completion_tokens, usage?.total_tokens], [100, 50, 150]);
    assert.ok(response.headers.get("x-pointsman-model"));
  });

  test(`${model}: the chunks of a stream add up to the answer`, async () => {
    answers({ text: "One two three." });
    let content = "";
    let finish;
    let usage;
    for await (const part of await client.chat.completions.create({
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })) {
      content += part.choices[0]?.delta.content ?? "";
      finish = part.choices[0]?.finish_reason ?? finish;
      usage = part.usage ?? usage;
    }
    assert.deepEqual([content, finish, usage?.completion_tokens], ["One two three.", "stop", 50]);
  });

  test(`${model}: a tool call arrives, whole and streamed, and its result reaches the upstream`, async () => {
    answers({ tools: [CALL] });
    const {
      choices: [choice],
    } = await client.chat.completions.create({ model, messages, tools });
    assert.equal(choice.finish_reason, "tool_calls");
    const expected = [CALL.id, CALL.name, JSON.parse(CALL.arguments)];
    assert.deepEqual(calledBy(choice.message), expected);
    const streamed = await client.chat.completions.stream({ model, messages, tools }).finalChatCompletion();
    assert.deepEqual(calledBy(streamed.choices[0].message), expected);
    answers({ text: "Sunny." });
    /** @type {Message[]} */
    const continued = [
      ...messages,
      { role: "assistant", content: null, tool_calls: choice.message.tool_calls },
      { role: "tool", tool_call_id: CALL.id, content: "sun" },
    ];
    const last = await client.chat.completions.create({ model, messages: continued, tools });
    assert.equal(last.choices[0].message.content, "Sunny.");
  });
}

test("a request for claude is translated into Anthropic's API", async () => {
  claude.does(anthropic());
  await client.chat.completions.create({
    model: "claude",
    tools,
    tool_choice: "required",
    temperature: 0.5,
    stop: ["END"],
    max_completion_tokens: 77,
    messages: [
      { role: "system", content: "Be brief." },
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
        ],
      },
      {
        role: "assistant",
        content: "Let me look.",
        tool_calls: [{ id: CALL.id, type: "function", function: { name: CALL.name, arguments: CALL.arguments } }],
      },
      { role: "tool", tool_call_id: CALL.id, content: "sun" },
    ],
  });
  const [{ path, headers, json }] = claude.requests;
  assert.deepEqual([path, headers["x-api-key"], headers.authorization], ["/v1/messages", "sk-claude", undefined]);
  assert.ok(headers["anthropic-version"]);
  const { system, messages: sent, tool_choice: choice, ...rest } = json;
  assert.match(JSON.stringify(system), /Be brief\./);
  assert.deepEqual(
    [rest.model, rest.max_tokens, rest.temperature, rest.stop_sequences],
    ["claude-there", 77, 0.5, ["END"]],
  );
  assert.equal(choice.type, "any");
  assert.deepEqual([rest.tools[0].name, rest.tools[0].input_schema.required], ["weather", ["city"]]);
  assert.deepEqual(
    sent.map((/** @type {{role: string}} */ { role }) => role),
    ["user", "assistant", "user"],
  );
  assert.deepEqual(sent[0].content[1].source, { type: "base64", media_type: "image/png", data: "AAAA" });
  assert.deepEqual(sent[1].content.at(-1), {
    type: "tool_use",
    id: CALL.id,
    name: CALL.name,
    input: JSON.parse(CALL.arguments),
  });
  assert.deepEqual([sent[2].content[0].type, sent[2].content[0].tool_use_id], ["tool_result", CALL.id]);
});

test("claude gets a default max_tokens if the caller states none", async () => {
  claude.does(anthropic());
  await client.chat.completions.create({ model: "claude", messages });
  assert.ok(claude.requests[0].json.max_tokens >= 1);
});

test("responses arrive whole and streamed", async () => {
  there.does(openai({ text: "Rome, of course." }));
  const response = await client.responses.create({ model: "auto", input: "Hello" });
  assert.deepEqual([response.output_text, response.usage?.output_tokens], ["Rome, of course.", 50]);
  let text = "";
  for await (const one of await client.responses.create({ model: "auto", input: "Hello", stream: true })) {
    if (one.type === "response.output_text.delta") text += one.delta;
  }
  assert.equal(text, "Rome, of course.");
});

test("completions, embeddings and models work", async () => {
  there.does(openai({ text: "Rome." }));
  assert.equal((await client.completions.create({ model: "auto", prompt: "Hello" })).choices[0].text, "Rome.");
  const { data } = await client.embeddings.create({ model: "vectors", input: ["a", "b"] });
  assert.deepEqual(
    data.map(({ embedding }) => [...embedding]),
    Array(2).fill([0.25, -0.5, 0.125]),
  );
  const names = [];
  for await (const { id } of client.models.list()) names.push(id);
  assert.deepEqual(names.toSorted(), ["auto", name, ...ids, "vectors", "claude"].toSorted());
  assert.equal((await client.models.retrieve("auto")).id, "auto");
});

test("errors have the client's types and the gateway's codes", async () => {
  there.does(openai());
  const chat =
    (/** @type {OpenAI} */ from, fields = {}) =>
    () => {
      return from.chat.completions.create({ model: "auto", messages, ...fields });
    };
  /** @type {[call: () => Promise<unknown>, type: ErrorClass, code: number, ours: string][]} */
  const cases = [
    [chat(clientOf("pm-wrong")), OpenAI.AuthenticationError, 401, "invalid_api_key"],
    [chat(clientOf(only.text)), OpenAI.PermissionDeniedError, 403, "model_not_allowed"],
    [chat(client, { model: "nobody" }), OpenAI.NotFoundError, 404, "model_not_found"],
    [chat(client, { messages: [] }), OpenAI.BadRequestError, 400, "messages_without_text"],
    [() => client.models.retrieve("nobody"), OpenAI.NotFoundError, 404, "model_not_found"],
  ];
  for (const [call, type, code, ours] of cases) {
    await assert.rejects(
      call,
      (error) => error instanceof type && error.status === code && error.code === ours && error.message.length > 5,
    );
  }
  /** @type {[code: number, type: ErrorClass][]} */
  const upstreams = [
    [429, OpenAI.RateLimitError],
    [422, OpenAI.UnprocessableEntityError],
    [500, OpenAI.InternalServerError],
  ];
  for (const [code, type] of upstreams) {
    there.does(status(code));
    await assert.rejects(chat(client), (error) => error instanceof type && error.code === `stand_in_${code}`);
  }
});

test("claude's errors are translated into OpenAI's shape", async () => {
  /** @type {[code: number, kind: string, type: ErrorClass][]} */
  const errors = [
    [400, "invalid_request_error", OpenAI.BadRequestError],
    [529, "overloaded_error", OpenAI.InternalServerError],
  ];
  for (const [code, kind, type] of errors) {
    claude.does(anthropicError(code, kind, "Claude says no"));
    await assert.rejects(
      client.chat.completions.create({ model: "claude", messages }),
      (error) => error instanceof type && /Claude says no/.test(error.message),
    );
  }
});

test("a stream that breaks off makes the client throw", async () => {
  there.does(breaking([chunk({ role: "assistant" }), chunk({ content: "Half" })]));
  const stream = await client.chat.completions.create({ model: "auto", messages, stream: true });
  let content = "";
  await assert.rejects(async () => {
    for await (const part of stream) content += part.choices[0]?.delta.content ?? "";
  });
  assert.equal(content, "Half");
});
