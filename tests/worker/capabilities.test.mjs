// Candidates that are excluded before the decision: by context window, tools, vision and lists.

/** @import { Gateway, SentHeaders } from "./gateway.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

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

test("a request longer than one context window goes to a model whose window it fits", async () => {
  there.does(openai());
  // The windows are 2048 and 8192 tokens.
  assert.deepEqual(await answeredBy(plain, {}), [weak, "below_threshold"]);
  assert.deepEqual(await answeredBy(plain, { max_tokens: 4000 }), [strong, "only_candidate"]);
  assert.deepEqual(await answeredBy(plain, { max_completion_tokens: 4000 }), [strong, "only_candidate"]);
  const long = (/** @type {number} */ words) => [{ role: "user", content: "hello ".repeat(words) }];
  assert.deepEqual(await answeredBy(plain, { messages: long(4000), max_tokens: 10 }), [strong, "only_candidate"]);
  assert.deepEqual(
    await answeredBy(plain, {
      messages: [...long(4000), { role: "assistant", content: "So?" }, { role: "user", content: "Hi" }],
      max_tokens: 10,
    }),
    [strong, "only_candidate"],
  );
  assert.deepEqual(
    await answeredBy(plain, {
      messages: [
        { role: "system", content: "hello ".repeat(4000) },
        { role: "user", content: "Hi" },
      ],
      max_tokens: 10,
    }),
    [strong, "only_candidate"],
  );
});

test("a request longer than every context window is refused", async () => {
  there.does(openai());
  await refused(plain.chat({ max_tokens: 100_000 }), 400, "no_candidate");
  assert.equal(there.requests.length, 0);
});

test("a model of the configuration has its own context window", async (t) => {
  there.does(openai());
  const worker = await limitedTo(t, { contextWindow: 100_000 });
  assert.deepEqual(await answeredBy(worker, { max_tokens: 50_000 }), [weak, "only_candidate"]);
});

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
