// Candidates that are excluded before the decision: by tools, vision and lists. windows.test.mjs tests windows.

/** @import { Gateway, SentHeaders } from "./gateway.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { anthropic } from "./anthropic-stand-in.mjs";
import { alone, BUNDLE, decisionHeaders, everyCandidateAt, gateway, HURRIED, refused } from "./gateway.mjs";
import { openai } from "./openai-stand-in.mjs";
import { inTurn, status, upstream } from "./stand-ins.mjs";

const { strong, weak, ids, name } = BUNDLE;
const WEAKEST = { "x-pointsman-threshold": "1" };

const there = await upstream();
const plain = await gateway({ upstream: there });
after(async () => {
  await plain.close();
  await there.close();
});

/** @param {Gateway} worker @param {object} fields @param {SentHeaders} headers */
async function answeredBy(worker, fields, headers = WEAKEST) {
  const response = await worker.chat(fields, headers);
  assert.equal(response.status, 200, await response.clone().text());
  const { model, reason } = decisionHeaders(response);
  return [model, reason];
}

const limitedTo = (/** @type {import("node:test").TestContext} */ t, /** @type {object} */ fields) =>
  alone(t, { upstreams: everyCandidateAt(there, {}, { [weak]: fields }) });
const tools = [{ type: "function", function: { name: "look", parameters: { type: "object", properties: {} } } }];
const image = [
  {
    role: "user",
    content: [
      { type: "text", text: "Hello" },
      { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
    ],
  },
];

test("tools go to models that take them", async (t) => {
  there.does(openai());
  const worker = await limitedTo(t, { tools: false });
  assert.deepEqual(await answeredBy(worker, { tools }), [strong, "only_candidate"]);
  assert.deepEqual(await answeredBy(worker, { tools: [] }), [weak, "below_threshold"]);
  assert.deepEqual(await answeredBy(plain, { tools }), [weak, "below_threshold"]);
});

test("images go to models with vision", async (t) => {
  there.does(openai());
  const worker = await limitedTo(t, { vision: false });
  assert.deepEqual(await answeredBy(worker, { messages: image }), [strong, "only_candidate"]);
  assert.deepEqual(await answeredBy(worker, {}), [weak, "below_threshold"]);
  assert.deepEqual(await answeredBy(plain, { messages: image }), [weak, "below_threshold"]);
});

test("images and tools of the other endpoints count too", async (t) => {
  there.does(openai());
  const worker = await limitedTo(t, { vision: false, tools: false });
  /** @type {[path: string, body: object][]} */
  const cases = [
    [
      "messages",
      {
        max_tokens: 9,
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "Hi" },
              { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } },
            ],
          },
        ],
      },
    ],
    [
      "messages",
      {
        max_tokens: 9,
        messages: [{ role: "user", content: "Hi" }],
        tools: [{ name: "look", input_schema: { type: "object" } }],
      },
    ],
    [
      "responses",
      {
        input: [
          {
            role: "user",
            content: [
              { type: "input_text", text: "Hi" },
              { type: "input_image", image_url: "data:," },
            ],
          },
        ],
      },
    ],
    ["responses", { input: "Hi", tools: [{ type: "function", name: "look" }] }],
  ];
  for (const [path, body] of cases) {
    assert.equal(
      decisionHeaders(await worker.post(`v1/${path}`, { model: "auto", ...body }, WEAKEST)).model,
      strong,
      JSON.stringify(body),
    );
  }
});

test("if no model is capable, the request is refused", async (t) => {
  there.does(openai());
  const blind = await alone(t, { upstreams: everyCandidateAt(there, { vision: false }) });
  await refused(blind.chat({ messages: image }), 400, "no_candidate");
  await refused(plain.chat({}, { "x-pointsman-exclude": ids.join() }), 400, "no_candidate");
  assert.equal(there.requests.length, 0);
});

test("the configuration's lists apply to every caller", async (t) => {
  there.does(openai());
  for (const models of [{ deny: [weak] }, { allow: [strong] }, { allow: ids, deny: [weak] }]) {
    const worker = await alone(t, { upstream: there, gateway: { models } });
    assert.deepEqual(await answeredBy(worker, {}), [strong, "only_candidate"], JSON.stringify(models));
    await refused(worker.chat({ model: weak }), 403, "model_not_allowed");
    const { data } = await (await worker.get("v1/models")).json();
    assert.deepEqual(
      data.map((/** @type {{id: string}} */ { id }) => id),
      ["auto", name, strong],
    );
  }
});

test("a header that names an unknown model is refused", async () => {
  await refused(plain.chat({}, { "x-pointsman-models": "nobody" }), 400, "header_unknown_model");
  await refused(plain.chat({}, { "x-pointsman-exclude": `${weak}, nobody` }), 400, "header_unknown_model");
});

test("an excluded model is not used as a fallback", async (t) => {
  const upstreams = everyCandidateAt(there, {}, { [strong]: { fallbacks: [weak] } });
  const worker = await alone(t, { upstreams, gateway: { retries: { ...HURRIED.retries, most: 0 } } });
  const first = { "x-pointsman-threshold": "0" };
  there.does(inTurn(status(500), openai()));
  assert.equal(decisionHeaders(await worker.chat({}, first)).model, weak);
  for (const headers of [{ "x-pointsman-exclude": weak }, { "x-pointsman-models": strong }]) {
    there.does(inTurn(status(500), openai()));
    assert.equal((await worker.chat({}, { ...first, ...headers })).status, 500);
    assert.equal(there.requests.length, 1);
  }
});

test("a request goes to a candidate whose API can express it", async (t) => {
  const claude = await upstream(anthropic());
  t.after(() => claude.close());
  const upstreams = everyCandidateAt(there, {}, { [strong]: { api: "anthropic", baseUrl: claude.url } });
  const worker = await alone(t, { upstreams });
  there.does(openai());
  const user = (/** @type {object[]} */ ...content) => [{ role: "user", content }];
  const words = { type: "text", text: "Hello" };
  const shot = { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } };
  /** @type {[path: string, model: string, body: object][]} */
  const cases = [
    ["chat/completions", weak, { response_format: { type: "json_object" } }],
    ["chat/completions", weak, { n: 2 }],
    ["chat/completions", weak, { logprobs: true, top_logprobs: 2 }],
    ["chat/completions", weak, { modalities: ["text", "audio"], audio: { voice: "alloy", format: "wav" } }],
    ["chat/completions", weak, { web_search_options: {} }],
    [
      "chat/completions",
      weak,
      { messages: user(words, { type: "input_audio", input_audio: { data: "AA==", format: "wav" } }) },
    ],
    [
      "chat/completions",
      weak,
      { messages: user(words, { type: "image_url", image_url: { url: "http://a.example/1.png" } }) },
    ],
    ["responses", weak, { input: "Hello" }],
    ["completions", weak, { prompt: "Hello" }],
    ["messages", strong, { tools: [{ type: "web_search_20250305", name: "web_search" }] }],
    ["messages", strong, { stop_sequences: ["a", "b", "c", "d", "e"] }],
    ["messages", strong, { mcp_servers: [{ type: "url", url: "https://a.example", name: "a" }] }],
  ];
  for (const [path, model, body] of cases) {
    const base = path === "messages" ? { max_tokens: 9 } : {};
    const messages = ["messages", "chat/completions"].includes(path) ? { messages: user(words) } : {};
    for (const threshold of ["0", "1"]) {
      const sent = { model: "auto", ...base, ...messages, ...body };
      const response = await worker.post(`v1/${path}`, sent, { "x-pointsman-threshold": threshold });
      assert.deepEqual(
        [response.status, decisionHeaders(response).model, decisionHeaders(response).reason],
        [200, model, "only_candidate"],
        `${JSON.stringify(body)}: ${await response.text()}`,
      );
    }
  }
  const answer = await worker.post("v1/messages", { model: "auto", max_tokens: 9, messages: user(words, shot) });
  assert.equal(answer.status, 200);
});

test("if no candidate's API can express a request, the refusal names the field", async (t) => {
  const claude = await upstream(anthropic());
  t.after(() => claude.close());
  const upstreams = everyCandidateAt(claude, { api: "anthropic" });
  const worker = await alone(t, { upstreams });
  assert.equal((await refused(worker.chat({ n: 2 }), 400, "field_unsupported")).param, "n");
  await refused(worker.post("v1/responses", { model: "auto", input: "x" }), 400, "not_translatable");
  const mixed = await alone(t, { upstreams: { ...upstreams, [weak]: { baseUrl: there.url, tools: false } } });
  const { message } = await refused(mixed.chat({ n: 2, tools }), 400, "no_candidate");
  assert.match(message, new RegExp(`${strong}: "n" is 2, expected 1`));
  assert.match(message, new RegExp(`${weak}: does not take tools`));
  assert.equal(claude.requests.length, 0);
});

test("pictures count wherever they stand", async (t) => {
  there.does(openai());
  const worker = await limitedTo(t, { vision: false });
  const source = { type: "base64", media_type: "image/png", data: "AA==" };
  const nested = { type: "tool_result", tool_use_id: "t", content: [{ type: "image", source }] };
  const call = { type: "function_call", call_id: "c", name: "shot", arguments: "{}" };
  const url = "data:image/png;base64,AA==";
  /** @type {[path: string, body: object][]} */
  const cases = [
    [
      "messages",
      {
        max_tokens: 9,
        messages: [
          { role: "user", content: "Look" },
          { role: "assistant", content: [{ type: "tool_use", id: "t", name: "shot", input: {} }] },
          { role: "user", content: [nested] },
        ],
      },
    ],
    [
      "responses",
      {
        input: [
          { role: "user", content: "Look" },
          call,
          { type: "function_call_output", call_id: "c", output: [{ type: "input_image", image_url: url }] },
        ],
      },
    ],
    [
      "responses",
      {
        input: [
          { role: "user", content: "Look" },
          { type: "computer_call_output", call_id: "c", output: { type: "computer_screenshot", image_url: url } },
        ],
      },
    ],
    [
      "chat/completions",
      {
        messages: [
          { role: "user", content: "Look" },
          { role: "tool", tool_call_id: "c", content: [{ type: "image_url", image_url: { url } }] },
        ],
      },
    ],
  ];
  for (const [path, body] of cases) {
    const { model } = decisionHeaders(await worker.post(`v1/${path}`, { model: "auto", ...body }, WEAKEST));
    assert.equal(model, strong, JSON.stringify(body));
  }
});

test("what the configuration says that a model lacks is asked of others", async (t) => {
  there.does(openai());
  const lacks = ["responses", "json_object", "n", "documents", "streaming", "image_urls"];
  const worker = await limitedTo(t, { lacks });
  const named = [{ type: "image_url", image_url: { url: "https://a.example/1.png" } }];
  const file = [{ type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AA==" } }];
  const user = (/** @type {object[]} */ parts) => [
    { role: "user", content: [{ type: "text", text: "Hello" }, ...parts] },
  ];
  for (const fields of [
    { response_format: { type: "json_object" } },
    { n: 2 },
    { stream: true },
    { messages: user(file) },
    { messages: user(named) },
  ]) {
    assert.deepEqual(await answeredBy(worker, fields), [strong, "only_candidate"], JSON.stringify(fields));
  }
  for (const fields of [{ response_format: { type: "text" } }, { n: 1 }, { stream: false }, { messages: image }]) {
    assert.deepEqual(await answeredBy(worker, fields), [weak, "below_threshold"], JSON.stringify(fields));
  }
  const response = await worker.post("v1/responses", { model: "auto", input: "Hello" }, WEAKEST);
  assert.equal(decisionHeaders(response).model, strong);
  // A model that is named is asked, and the upstream says what it says.
  assert.equal((await worker.chat({ model: weak, n: 2 })).status, 200);
  const wrong = await limitedTo(t, { lacks: ["sight"] });
  await refused(wrong.chat(), 500, "config_invalid");
  assert.match(wrong.log.join(), /unknown variant `sight`/);
});
