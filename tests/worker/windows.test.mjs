// Context windows: which candidates they exclude, and the limit on the output that goes out.

/** @import { Gateway, SentHeaders } from "./gateway.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { anthropic } from "./anthropic-stand-in.mjs";
import { alone, BUNDLE, decisionHeaders, everyCandidateAt, gateway, HURRIED, refused } from "./gateway.mjs";
import { openai } from "./openai-stand-in.mjs";
import { inTurn, status, upstream } from "./stand-ins.mjs";
import { underBudget } from "./under-budget.mjs";

const { strong, weak } = BUNDLE;
const WEAKEST = { "x-pointsman-threshold": "1" };

const there = await upstream();
// The bundle's windows are 8192 and 2048 tokens.
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

const hello = [{ role: "user", content: "Hello" }];
const long = (/** @type {number} */ words) => [{ role: "user", content: "hello ".repeat(words) }];

test("a request longer than one context window goes to a model whose window it fits", async () => {
  there.does(openai());
  assert.deepEqual(await answeredBy(plain, {}), [weak, "below_threshold"]);
  for (const messages of [
    long(4000),
    [...long(4000), { role: "assistant", content: "So?" }, ...hello],
    [{ role: "system", content: "hello ".repeat(4000) }, ...hello],
  ]) {
    assert.deepEqual(await answeredBy(plain, { messages, max_tokens: 10 }), [strong, "only_candidate"]);
  }
});

test("a window must hold the input and a short answer, whatever the limit", async () => {
  there.does(openai());
  assert.deepEqual(await answeredBy(plain, { messages: long(1700) }), [weak, "below_threshold"]);
  assert.deepEqual(await answeredBy(plain, { messages: long(1900) }), [strong, "only_candidate"]);
  assert.deepEqual(await answeredBy(plain, { messages: long(1900), max_tokens: 9 }), [weak, "below_threshold"]);
  for (const limit of ["max_tokens", "max_completion_tokens"]) {
    assert.deepEqual(await answeredBy(plain, { [limit]: 100_000 }), [weak, "below_threshold"]);
  }
});

test("a request longer than every context window is refused", async () => {
  there.does(openai());
  await refused(plain.chat({ messages: long(9000) }), 400, "no_candidate");
  assert.equal(there.requests.length, 0);
});

test("a model of the configuration has its own context window", async (t) => {
  there.does(openai());
  const worker = await alone(t, { upstreams: everyCandidateAt(there, {}, { [weak]: { contextWindow: 100_000 } }) });
  assert.deepEqual(await answeredBy(worker, { messages: long(50_000) }), [weak, "only_candidate"]);
});

/** @type {[what: string, path: string, field: string, body: object][]} */
const LIMITS = [
  ["chat", "chat/completions", "max_tokens", { messages: hello }],
  ["chat, the newer field", "chat/completions", "max_completion_tokens", { messages: hello }],
  ["messages, translated", "messages", "max_tokens", { messages: hello }],
  ["responses", "responses", "max_output_tokens", { input: "Hello" }],
  ["completions", "completions", "max_tokens", { prompt: "Hello" }],
];
for (const [what, path, field, body] of LIMITS) {
  test(`a limit that exceeds the window is lowered to the room: ${what}`, async () => {
    there.does(openai());
    // A lowered limit has one name: the one that the upstream's host is known to take.
    const sent = () => there.last().json[field] ?? there.last().json.max_tokens;
    for (const model of ["auto", weak]) {
      const asked = { ...body, model, [field]: 32_000 };
      assert.equal((await plain.post(`v1/${path}`, asked, WEAKEST)).status, 200);
      assert.ok(sent() > 1900 && sent() < 2048, `${model}: ${sent()}`);
    }
    assert.equal((await plain.post(`v1/${path}`, { ...body, model: weak, [field]: 1000 })).status, 200);
    assert.equal(sent(), 1000);
    assert.equal((await plain.post(`v1/${path}`, { ...body, model: strong, [field]: 8000 })).status, 200);
    assert.equal(sent(), 8000);
  });
}

test("a lowered limit leaves a margin beside the input, and stays at 256", async () => {
  there.does(openai());
  const room = async (/** @type {number} */ words) => {
    await plain.chat({ model: weak, messages: long(words), max_tokens: 32_000 });
    return there.last().json.max_tokens;
  };
  const half = await room(1000);
  assert.ok(half > 700 && half < 960, String(half));
  assert.equal(await room(1750), 256);
  // Its window does not hold the request: the upstream says so.
  assert.equal(await room(3000), 32_000);
});

test("each model of the chain has the limit of its own window", async (t) => {
  const upstreams = everyCandidateAt(there, {}, { [strong]: { fallbacks: [weak] } });
  const worker = await alone(t, { upstreams, gateway: { retries: { ...HURRIED.retries, most: 0 } } });
  there.does(inTurn(status(500), openai()));
  assert.deepEqual(decisionHeaders(await worker.chat({ model: strong, max_tokens: 32_000 })).model, weak);
  const [first, second] = there.requests.map(({ json }) => json.max_tokens);
  assert.ok(first > 8000 && first < 8192 && second > 1900 && second < 2048, `${first}, ${second}`);
});

test("without a known window the limit stays, and without a limit none is written", async (t) => {
  there.does(openai());
  const further = { baseUrl: there.url };
  const worker = await alone(t, { upstreams: { ...everyCandidateAt(there), further } });
  await worker.chat({ model: "further", max_tokens: 10_000_000 });
  assert.equal(there.last().json.max_tokens, 10_000_000);
  await worker.chat({ model: weak });
  assert.deepEqual(Object.keys(there.last().json).sort(), ["messages", "model"]);
});

test("the budget of Anthropic's thinking stays below a lowered limit", async (t) => {
  there.does(anthropic());
  const claude = { api: "anthropic", baseUrl: there.url, contextWindow: 8000 };
  const worker = await alone(t, { upstreams: { ...everyCandidateAt(there), claude } });
  const thinking = { type: "enabled", budget_tokens: 31_999 };
  const asked = { model: "claude", max_tokens: 32_000, thinking, messages: hello };
  assert.equal((await worker.post("v1/messages", asked)).status, 200);
  const sent = there.last().json;
  assert.ok(sent.max_tokens > 7800 && sent.max_tokens < 8000, String(sent.max_tokens));
  assert.deepEqual(sent.thinking, { type: "enabled", budget_tokens: Math.floor(sent.max_tokens / 2) });
  // A chat request without a limit gets Anthropic's from the gateway.
  assert.equal((await worker.chat({ model: "claude" })).status, 200);
  assert.ok(there.last().json.max_tokens < 8000, String(there.last().json.max_tokens));
});

test("the lower of the budget's limit and the window's room goes out", async (t) => {
  const { chat } = await underBudget(t, there, { usd: 100, period: "day" });
  await chat({ model: weak });
  const unstated = there.last().json.max_tokens;
  assert.ok(unstated > 1900 && unstated < 2048, String(unstated));
  await chat({ model: weak, max_tokens: 100 });
  assert.equal(there.last().json.max_tokens, 100);
});
