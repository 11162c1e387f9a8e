// Fields that an upstream refuses although the gateway wrote them, or by a name that has another one: the
// upstream is asked again without them, and the isolate remembers.

/** @import { Answer } from "./stand-ins.mjs" */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { alone, decisionHeaders, errorOf, HURRIED } from "./gateway.mjs";
import { openai } from "./openai-stand-in.mjs";
import { status, upstream } from "./stand-ins.mjs";

/** @type {Awaited<ReturnType<typeof upstream>>} */
let there;
before(async () => {
  there = await upstream();
});
after(() => there.close());

/** A Worker of its own, which has learned nothing. @param {import("node:test").TestContext} t */
const fresh = (t, fields = {}) =>
  alone(t, { upstreams: { plain: { baseUrl: there.url, ...fields } }, gateway: HURRIED });

/**
 * Refuses requests with a field, which the second function finds.
 * @type {(refusal: (field: string) => object, found: (json: any) => string | undefined, code?: number) => Answer}
 */
const refusing =
  (refusal, found, code = 400) =>
  (request, response, body, number) => {
    const field = found(JSON.parse(body));
    const answer = field ? status(code, {}, JSON.stringify(refusal(field))) : openai();
    return answer(request, response, body, number);
  };
const of =
  (/** @type {string[]} */ ...fields) =>
  (/** @type {any} */ json) =>
    fields.find((field) => json[field] !== undefined);
const sent = () => there.requests.map(({ json }) => Object.keys(json));
const thinking = {
  model: "plain",
  max_tokens: 4000,
  thinking: { type: "enabled", budget_tokens: 2000 },
  messages: [{ role: "user", content: "Hello" }],
};

/** @type {[what: string, refusal: (field: string) => object, code?: number][]} */
const REFUSALS = [
  [
    "OpenAI",
    (param) => ({ error: { message: `Unsupported parameter: '${param}'`, param, code: "unsupported_parameter" } }),
  ],
  ["words", (field) => ({ error: `json: unknown field "${field}"` })],
  ["FastAPI", (field) => ({ detail: [{ loc: ["body", field], msg: "Extra inputs are not permitted" }] }), 422],
  ["Mistral", (field) => ({ object: "error", message: { detail: [{ loc: ["body", field], msg: "x" }] } }), 422],
];
for (const [who, refusal, code] of REFUSALS) {
  test(`a translated field that an upstream refuses as ${who} says is left out, also in the next request`, async (t) => {
    const worker = await fresh(t);
    there.does(refusing(refusal, of("reasoning_effort"), code));
    for (const calls of [2, 1]) {
      there.requests.length = 0;
      const answer = await worker.post("v1/messages", thinking);
      assert.deepEqual([answer.status, decisionHeaders(answer).attempts], [200, `${calls}`]);
      const last = sent().at(-1) ?? [];
      assert.ok(!last.includes("reasoning_effort") && last.includes("max_tokens"), `${last}`);
    }
  });
}

test("an upstream that knows few fields is asked until it answers", async (t) => {
  const worker = await fresh(t, { outputLimitField: "max_completion_tokens" });
  const known = ["model", "messages", "max_tokens", "stream", "tools", "tool_choice"];
  const unknown = (/** @type {object} */ json) => Object.keys(json).find((key) => !known.includes(key));
  there.does(refusing((field) => ({ detail: [{ loc: ["body", field], msg: "Extra" }] }), unknown, 422));
  const body = {
    ...thinking,
    stream: true,
    metadata: { user_id: "u" },
    tools: [{ name: "look", input_schema: { type: "object", properties: {} } }],
    tool_choice: { type: "auto", disable_parallel_tool_use: true },
  };
  const answer = await worker.post("v1/messages", body);
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /message_stop/);
  assert.ok(sent().at(-1)?.includes("max_tokens"));
});

test("a limit gets the name that the upstream knows, with the caller's value, translated or not", async (t) => {
  for (const [known, refused] of [
    ["max_completion_tokens", "max_tokens"],
    ["max_tokens", "max_completion_tokens"],
  ]) {
    const worker = await fresh(t, { outputLimitField: refused });
    const words = (/** @type {string} */ param) => ({
      error: { message: `use '${known}' instead of ${param}`, param },
    });
    there.does(refusing(words, of(refused)));
    const chat = await worker.chat({ model: "plain", [refused]: 77 });
    assert.equal(chat.status, 200);
    const { [known]: limit, [refused]: gone } = there.last().json;
    assert.deepEqual([limit, gone, there.requests.length], [77, undefined, 2]);
    const message = await worker.post("v1/messages", { ...thinking, max_tokens: 55, thinking: undefined });
    assert.deepEqual([message.status, there.last().json[known], there.requests.length], [200, 55, 3]);
  }
});

test("a stream's usage is not asked for where the gateway's field is refused", async (t) => {
  const worker = await fresh(t);
  const words = (/** @type {string} */ field) => ({
    error: { message: `Unrecognized request argument supplied: ${field}`, type: "invalid_request_error", code: "x" },
  });
  there.does(refusing(words, of("stream_options")));
  const answer = await worker.chat({ model: "plain", stream: true });
  assert.deepEqual([answer.status, there.requests.length], [200, 2]);
  assert.match(await answer.text(), /\[DONE\]/);
  // The caller's own field is the caller's.
  const own = await worker.chat({ model: "plain", stream: true, stream_options: { include_usage: true } });
  assert.equal((await errorOf(own)).status, 400);
});

test("strict is left out of tools and of the answer's format", async (t) => {
  const worker = await fresh(t);
  const words = () => ({ error: { message: "strict is not supported", param: "tools[0].function.strict" } });
  const found = (/** @type {any} */ json) => (JSON.stringify(json).includes('"strict"') ? "strict" : undefined);
  there.does(refusing(words, found));
  const schema = {
    type: "object",
    properties: { a: { type: "string" } },
    required: ["a"],
    additionalProperties: false,
  };
  const answer = await worker.post("v1/messages", {
    ...thinking,
    thinking: undefined,
    tools: [{ name: "look", strict: true, input_schema: schema }],
    output_config: { format: { type: "json_schema", schema } },
  });
  assert.equal(answer.status, 200);
});

test("what the caller wrote, and a value that is refused, is the caller's to mend", async (t) => {
  const worker = await fresh(t);
  /** @type {[field: string, message: string, body: object][]} */
  const cases = [
    ["temperature", "temperature is not supported", { temperature: 1 }],
    ["reasoning_effort", "reasoning_effort is not supported", { reasoning_effort: "low" }],
    ["max_tokens", "max_tokens is too large: 9. This model has at most 8", { max_tokens: 9 }],
    ["max_tokens", "max_tokens is not supported", { max_tokens: "max_tokens is unknown" }],
  ];
  for (const [field, message, body] of cases) {
    there.does(refusing(() => ({ error: { message, type: "x", param: field, code: null } }), of(field)));
    const error = await errorOf(await worker.chat({ model: "plain", ...body }).then(named));
    assert.deepEqual([error.status, there.requests.length], [400, 1], message);
  }
});

/** The answer with a code in place of null. @param {Response} response */
async function named(response) {
  const text = (await response.text()).replace('"code":null', '"code":"none"');
  return new Response(text, { status: response.status });
}

test("an upstream that refuses whatever it is sent is asked a few times, and nothing is remembered", async (t) => {
  const worker = await fresh(t);
  there.does((request, response, body, number) =>
    status(400, {}, JSON.stringify({ error: `${Object.keys(JSON.parse(body)).join(" ")} unknown` }))(
      request,
      response,
      body,
      number,
    ),
  );
  const answer = await worker.post("v1/messages", { ...thinking, stream: true, metadata: { user_id: "u" } });
  assert.equal(answer.status, 400);
  assert.ok(there.requests.length <= 6, `${there.requests.length} calls`);
  there.does(openai());
  assert.equal((await worker.post("v1/messages", thinking)).status, 200);
  assert.ok(sent()[0].includes("reasoning_effort"));
});
