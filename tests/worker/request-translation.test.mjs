// What a request becomes on its way to an upstream of another API, or to one that knows fewer fields.

/** @import { Answer } from "./stand-ins.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { anthropic } from "./anthropic-stand-in.mjs";
import { alone, eventsIn, gateway, refused } from "./gateway.mjs";
import { chunk, event, openai } from "./openai-stand-in.mjs";
import { pieces, text, upstream } from "./stand-ins.mjs";

const there = await upstream();
const claude = await upstream(anthropic());
/** @type {Record<string, unknown>[]} */
const inputs = [];
const worker = await gateway({
  upstreams: {
    plain: { baseUrl: there.url, model: "plain-there" },
    thinker: { baseUrl: there.url, model: "thinker-there", reasoningField: "reasoning" },
    bare: { baseUrl: there.url, drop: ["seed", "user", "reasoning_effort"], outputLimitField: "max_tokens" },
    modern: { baseUrl: there.url, outputLimitField: "max_completion_tokens" },
    claude: { api: "anthropic", baseUrl: claude.url, model: "claude-opus-4-6" },
    cloud: { api: "workers-ai", model: "@cf/cloud" },
  },
  ai: (_, sent) => {
    inputs.push(/** @type {Record<string, unknown>} */ (sent));
    return { response: "Fine." };
  },
});
after(async () => {
  await worker.close();
  await Promise.all([there.close(), claude.close()]);
});

const HELLO = { role: "user", content: "Hello" };
/** Asks as an Anthropic client. `more` is JSON text, whose bytes matter. */
const messages = (/** @type {string} */ model, more = "", turns = JSON.stringify([HELLO])) =>
  worker.post("v1/messages", `{"model":"${model}","max_tokens":200,"messages":${turns}${more}}`);
/** The same as an OpenAI client. */
const chat = (/** @type {string} */ model, more = "", turns = JSON.stringify([HELLO])) =>
  worker.post("v1/chat/completions", `{"model":"${model}","messages":${turns}${more}}`);

/** @param {Response | Promise<Response>} response */
async function served(response) {
  const answer = await response;
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer;
}

const SCHEMA =
  '{"type" : "object","required":["why","answer"],"properties":{"why":{"type":"string"},"answer":{"type":"number","maximum":1e3,"minimum":1.0}},"additionalProperties":false}';
const INPUT = '{"z": 12345678901234567890123, "a": [1.10, "\\u00e9"], "10": {}, "1": null}';

test("schemas, inputs of calls and numbers keep their bytes on the way to OpenAI's API", async () => {
  there.does(openai());
  const turns = `[{"role":"user","content":"Hello"},{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"look","input":${INPUT}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"ok"}]}]`;
  const more = `,"temperature":0.70,"top_p":9e-1,"tools":[{"name":"look","input_schema":${SCHEMA}}],"output_config":{"format":{"type":"json_schema","schema":${SCHEMA}}}`;
  await served(messages("plain", more, turns));
  const { body, json } = there.last();
  assert.equal(body.split(SCHEMA).length, 3, body);
  assert.ok(body.includes('"temperature":0.70') && body.includes('"top_p":9e-1'), body);
  assert.equal(json.messages[1].tool_calls[0].function.arguments, INPUT);
  assert.equal(json.response_format.json_schema.strict, true);
  assert.deepEqual(Object.keys(json.tools[0]), ["type", "function"]);
  assert.deepEqual(Object.keys(json.tools[0].function), ["name", "parameters"]);
});

test("they keep them on the way to Anthropic's API and to the binding AI", async () => {
  claude.does(anthropic());
  inputs.length = 0;
  const call = { id: "c1", type: "function", function: { name: "look", arguments: INPUT } };
  const turns = JSON.stringify([
    HELLO,
    { role: "assistant", content: null, tool_calls: [call] },
    { role: "tool", tool_call_id: "c1", content: "ok" },
  ]);
  const more = `,"temperature":0.70,"tools":[{"type":"function","function":{"name":"look","parameters":${SCHEMA}}}],"response_format":{"type":"json_schema","json_schema":{"name":"out","strict":true,"schema":${SCHEMA}}}`;
  await served(chat("claude", more, turns));
  const { body } = claude.last();
  assert.equal(body.split(SCHEMA).length, 3, body);
  assert.ok(body.includes(`"input":${INPUT}`) && body.includes('"temperature":0.70'), body);
  await served(chat("cloud", more, turns));
  const [{ tools, response_format: format }] = /** @type {any[]} */ (inputs);
  for (const schema of [tools[0].function.parameters, format.json_schema]) {
    assert.deepEqual(Object.keys(schema.properties), ["why", "answer"]);
  }
});

test("arguments that are no JSON object are refused by name", async () => {
  const call = { id: "c1", type: "function", function: { name: "look", arguments: '{"a": ' } };
  const turns = JSON.stringify([HELLO, { role: "assistant", content: null, tool_calls: [call] }]);
  const error = await refused(chat("claude", "", turns), 400, "field_malformed");
  assert.equal(error.param, "messages[1].tool_calls[0].function.arguments");
});

test("a tool's schema is that of an object with properties, and its lists have items", async () => {
  there.does(openai());
  const sent = async (/** @type {object} */ schema) => {
    const tools = [{ name: "look", input_schema: schema }];
    await served(messages("plain", `,"tools":${JSON.stringify(tools)}`));
    return there.last().json.tools[0].function.parameters;
  };
  const bare = { type: "object", properties: {} };
  for (const schema of [{}, { type: "object" }, { type: ["object", "null"] }]) {
    assert.deepEqual(await sent(schema), bare);
  }
  const defs = { a: { type: "object", properties: { list: { type: "array" } } } };
  const resolved = await sent({ $ref: "#/$defs/a", $defs: defs });
  assert.deepEqual(resolved.properties.list, { type: "array", items: {} });
  assert.equal(resolved.type, "object");
});

test("strict is sent only where OpenAI's strict mode takes the schema", async () => {
  there.does(openai());
  const optional = { type: "object", properties: { a: { type: "string" } }, additionalProperties: false };
  for (const [schema, strict] of /** @type {const} */ ([
    [optional, undefined],
    [{ ...optional, required: ["a"] }, true],
  ])) {
    const format = { type: "json_schema", schema };
    const tools = [{ name: "look", input_schema: schema, strict: true }];
    for (const asked of [{ output_config: { format } }, { output_format: format }]) {
      await served(messages("plain", `,"tools":${JSON.stringify(tools)},${JSON.stringify(asked).slice(1, -1)}`));
      const { json } = there.last();
      assert.deepEqual([json.response_format.json_schema.strict, json.tools[0].function.strict], [strict, strict]);
    }
  }
});

test("a long name of a tool is shortened on the way out and restored on the way back, whole and streamed", async () => {
  const name = `mcp__files__${"x".repeat(80)}`;
  /** @type {Answer} */
  const calling = (request, response, body, number) => {
    const [{ function: tool }] = JSON.parse(body).tools;
    return openai({ tools: [{ id: "c1", name: tool.name, arguments: "{}" }] })(request, response, body, number);
  };
  const tools = JSON.stringify([{ name, input_schema: {} }]);
  const choice = JSON.stringify({ type: "tool", name });
  there.does(calling);
  const whole = await (await served(messages("plain", `,"tools":${tools},"tool_choice":${choice}`))).json();
  assert.equal(whole.content[0].name, name);
  const streamed = await (await served(messages("plain", `,"stream":true,"tools":${tools}`))).text();
  const blocks = eventsIn(streamed).flatMap(({ content_block: block }) => (block ? [block.name] : []));
  assert.deepEqual(blocks, [name]);
  const result = [{ type: "tool_result", tool_use_id: "c1", content: "ok" }];
  const turns = JSON.stringify([
    HELLO,
    { role: "assistant", content: whole.content },
    { role: "user", content: result },
  ]);
  await served(messages("plain", `,"tools":${tools}`, turns));
  const { json } = there.last();
  const sent = json.tools[0].function.name;
  assert.match(sent, /^[\w-]{64}$/);
  assert.equal(json.messages[1].tool_calls[0].function.name, sent);
  assert.equal(there.requests[0].json.tool_choice.function.name, sent);

  claude.does(anthropic({ tools: [{ id: "t1", name: "look", input: {} }] }));
  const dotted = JSON.stringify([{ type: "function", function: { name: "files.read" } }]);
  await served(chat("claude", `,"tools":${dotted}`));
  assert.match(claude.last().json.tools[0].name, /^files_read_[0-9a-f]{10}$/);
});

/** The thinking and the call of an answer, sent back with the call's result. */
const continued = (/** @type {object[]} */ content) =>
  JSON.stringify([
    HELLO,
    { role: "assistant", content },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "c1", content: "ok" }] },
  ]);
const CALL = { id: "c1", type: "function", function: { name: "look", arguments: "{}" } };
const TOOLS = `,"tools":[{"name":"look","input_schema":{}}]`;

for (const field of ["reasoning_content", "reasoning"]) {
  test(`a model's ${field} goes back to it beside its tool calls, and to no other model`, async () => {
    const message = { role: "assistant", content: null, [field]: "I should look.", tool_calls: [CALL] };
    const answer = { id: "c", object: "chat.completion", created: 1, model: "m" };
    there.does(text(JSON.stringify({ ...answer, choices: [{ index: 0, message, finish_reason: "tool_calls" }] })));
    const { content } = await (await served(messages("plain", TOOLS))).json();
    assert.deepEqual([content[0].type, content[0].thinking], ["thinking", "I should look."]);
    there.does(openai());
    await served(messages("plain", TOOLS, continued(content)));
    const own = there.last().json.messages[1];
    assert.deepEqual([own[field], own.tool_calls.length], ["I should look.", 1]);
    await served(messages("bare", TOOLS, continued(content)));
    assert.deepEqual(Object.keys(there.last().json.messages[1]).sort(), ["content", "role", "tool_calls"]);
    claude.does(anthropic());
    await served(messages("claude", TOOLS, continued(content)));
    assert.deepEqual(
      claude.last().json.messages[1].content.map((/** @type {{type: string}} */ block) => block.type),
      ["tool_use"],
    );
  });
}

test("streamed reasoning goes back too", async () => {
  const called = { index: 0, ...CALL };
  there.does(
    pieces([
      chunk({ role: "assistant", reasoning_content: "I should " }),
      chunk({ reasoning_content: "look." }),
      chunk({ tool_calls: [called] }),
      chunk({}, { finish_reason: "tool_calls" }),
      event("[DONE]"),
    ]),
  );
  const events = eventsIn(await (await served(messages("plain", `,"stream":true${TOOLS}`))).text());
  const delta = (/** @type {string} */ name) =>
    events.map(({ delta: one }) => (typeof one?.[name] === "string" ? one[name] : "")).join("");
  const content = [
    { type: "thinking", thinking: delta("thinking"), signature: delta("signature") },
    { type: "tool_use", id: "c1", name: "look", input: {} },
  ];
  there.does(openai());
  await served(messages("plain", TOOLS, continued(content)));
  assert.equal(there.last().json.messages[1].reasoning_content, "I should look.");
});

test("an upstream with reasoningField gets all thinking, and the field beside every call", async () => {
  there.does(openai());
  const use = { type: "tool_use", id: "c1", name: "look", input: {} };
  const thinking = { type: "thinking", thinking: "Hm.", signature: "c2ln" };
  await served(messages("thinker", TOOLS, continued([thinking, use])));
  assert.equal(there.last().json.messages[1].reasoning, "Hm.");
  await served(messages("thinker", TOOLS, continued([use])));
  assert.equal(there.last().json.messages[1].reasoning, "");
});

test("fields of drop are not sent, neither as they came nor translated", async () => {
  there.does(openai());
  await served(chat("bare", ',"Seed":1,"user" : "ann","temperature":0.50'));
  const expected = JSON.stringify({ model: "bare", messages: [HELLO] }).replace(/}$/, ',"temperature":0.50}');
  assert.equal(there.last().body, expected);
  const more = ',"metadata":{"user_id":"ann"},"thinking":{"type":"enabled","budget_tokens":1024}';
  await served(messages("bare", more));
  assert.deepEqual(Object.keys(there.last().json).sort(), ["max_tokens", "messages", "model"]);
  await served(messages("plain", more));
  assert.deepEqual([there.last().json.user, there.last().json.reasoning_effort], ["ann", "low"]);
});

test("the limit of the output has the name that the upstream knows", async () => {
  there.does(openai());
  const [old, newer] = ["max_tokens", "max_completion_tokens"];
  for (const [model, own, other] of [
    ["bare", old, newer],
    ["modern", newer, old],
  ]) {
    await served(messages(model));
    assert.deepEqual([there.last().json[own], there.last().json[other]], [200, undefined]);
    for (const name of [old, newer]) {
      await served(chat(model, `,"${name}": 30`));
      assert.deepEqual([there.last().json[own], there.last().json[other]], [30, undefined]);
    }
  }
  // Of an unknown host it is not known whether it takes the other name.
  await served(chat("plain", `,"${newer}": 30`));
  assert.deepEqual([there.last().json[old], there.last().json[newer]], [undefined, 30]);
  await served(messages("plain"));
  assert.equal(there.last().json[old], 200);
});

test("documents and search results of text reach OpenAI's API as texts", async () => {
  there.does(openai());
  const source = { type: "text", media_type: "text/plain", data: "Body." };
  const found = {
    type: "search_result",
    title: "T",
    source: "https://a.example",
    content: [{ type: "text", text: "One." }],
  };
  const content = [{ type: "document", title: "Paper", source }, found, { type: "text", text: "Sum up" }];
  await served(messages("plain", "", JSON.stringify([{ role: "user", content }])));
  const sent = there.last().json.messages[0].content.map((/** @type {{text: string}} */ part) => part.text);
  assert.deepEqual(sent, ["Paper\nBody.", "T\nhttps://a.example\nOne.", "Sum up"]);
});

test("a file by URL reaches Anthropic's API, and one that it cannot take is refused by name", async () => {
  claude.does(anthropic());
  const turns = (/** @type {object} */ file) => JSON.stringify([{ role: "user", content: [{ type: "file", file }] }]);
  const url = "https://papers.example/a.pdf";
  await served(chat("claude", "", turns({ file_data: url, filename: "a.pdf" })));
  assert.deepEqual(claude.last().json.messages[0].content, [
    { type: "document", source: { type: "url", url }, title: "a.pdf" },
  ]);
  const error = await refused(chat("claude", "", turns({ file_id: "f1" })), 400, "field_unsupported");
  assert.equal(error.param, "messages[0].content[0].file.file_id");
});

test("tools that only the conversation calls are defined at Anthropic's API, and not to be called", async () => {
  claude.does(anthropic());
  const turns = JSON.stringify([
    HELLO,
    { role: "assistant", content: null, tool_calls: [CALL] },
    { role: "tool", tool_call_id: "c1", content: "ok" },
    { role: "user", content: "Sum up" },
  ]);
  await served(chat("claude", "", turns));
  const { tools, tool_choice: choice } = claude.last().json;
  const names = tools.map((/** @type {{name: string}} */ { name }) => name);
  assert.deepEqual([names, choice], [["look"], { type: "none" }]);
});

test("a conversation that the assistant begins gets a user's turn in front at Anthropic's API", async () => {
  claude.does(anthropic());
  await served(chat("claude", "", JSON.stringify([{ role: "assistant", content: "Welcome!" }, HELLO])));
  const roles = (/** @type {{role: string}[]} */ turns) => turns.map(({ role }) => role);
  assert.deepEqual(roles(claude.last().json.messages), ["user", "assistant", "user"]);
  await served(chat("claude", "", JSON.stringify([{ role: "system", content: "Tell a joke." }])));
  assert.deepEqual(roles(claude.last().json.messages), ["user"]);
});

test("a faulty setting of an upstream's fields is named", async (t) => {
  for (const [fields, word] of /** @type {const} */ ([
    [{ drop: ["model"] }, "drop"],
    [{ reasoningField: "thoughts" }, "reasoning_content"],
  ])) {
    const faulty = await alone(t, { upstreams: { plain: { baseUrl: there.url, ...fields } } });
    const response = await faulty.chat({ model: "plain" });
    assert.equal(response.status, 500);
    assert.ok(faulty.log.join("\n").includes(word), faulty.log.join("\n"));
  }
});
