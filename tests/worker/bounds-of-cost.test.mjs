// What a call may cost is bounded before it is sent, and every call is charged, whatever comes of it.

/** @import { Answer } from "./stand-ins.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { BUNDLE, decisionHeaders, everyCandidateAt, ledgerOf, refused } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { chunk, event, openai } from "./openai-stand-in.mjs";
import { deferred, endless, errorIn200, hangUp, inTurn, status, text, until, upstream } from "./stand-ins.mjs";
import { near, underBudget } from "./under-budget.mjs";

const { strong, weak } = BUNDLE;
/** US dollars of an output token at the fixture's prices, and of an input token. */
const [OUT, IN] = [30e-6, 10e-6];
const WORDS = 20_000;
const words = (/** @type {number} */ count) => "word ".repeat(count);

const there = await upstream();
after(() => there.close());

/** @param {string} content */
const streamed = (content, end = chunk({}, { finish_reason: "stop" }) + event("[DONE]")) =>
  text(chunk({ role: "assistant" }) + chunk({ content }) + end, "text/event-stream");

/**
 * Sends `first`, then `more` until the reader disconnects.
 * @type {(first: string, more: string) => Answer}
 */
const lasting = (first, more) => (_, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(first);
  const again = setInterval(() => response.write(more), 10);
  response.on("close", () => clearInterval(again));
};

/**
 * What is reserved while a request is under way.
 * @param {import("node:test").TestContext} t
 * @param {object} body
 * @param {{path?: string, upstreams?: object, gateway?: object}} options
 */
async function reservedBy(t, body, { path = "v1/chat/completions", ...options } = {}) {
  const one = await underBudget(t, there, { usd: 100, period: "month" }, options);
  const [asked, held] = [deferred("the call"), deferred("the answer")];
  there.does(async (...call) => {
    asked.resolve();
    await held.promise;
    openai()(...call);
  });
  const answer = one.post(path, body);
  await asked.promise;
  const ledger = await ledgerOf(one.worker, "budget:spender");
  const { reserved } = await ledger.spent({ limit: 100, period: "month", now: Date.now() });
  held.resolve();
  await (await answer).text();
  return { reserved, sent: there.requests[0].json, bytes: Buffer.byteLength(JSON.stringify(body)) };
}

const messages = [{ role: "user", content: "Hi" }];

test("a request that states no limit is sent with one", async (t) => {
  for (const [most, expected] of [
    [undefined, 8192],
    [300, 300],
  ]) {
    const window = { contextWindow: 100_000 };
    const upstreams = everyCandidateAt(there, most ? { ...window, maxOutputTokens: most } : window);
    const { reserved, sent, bytes } = await reservedBy(t, { model: strong, messages }, { upstreams });
    assert.equal(sent.max_tokens, expected);
    near(reserved, Number(expected) * OUT + bytes * IN);
  }
});

test("a stated limit counts in the API's own field, up to what the configuration allows", async (t) => {
  const foreign = { model: strong, messages, max_tokens: 1000, max_output_tokens: 1 };
  const first = await reservedBy(t, foreign);
  near(first.reserved, 1000 * OUT + first.bytes * IN);
  assert.deepEqual([first.sent.max_tokens, first.sent.max_output_tokens], [1000, 1]);
  const both = await reservedBy(t, { model: strong, messages, max_tokens: 1000, max_completion_tokens: 10 });
  assert.deepEqual([both.sent.max_tokens, both.sent.max_completion_tokens], [1000, 1000]);
  const upstreams = everyCandidateAt(there, { maxOutputTokens: 300 });
  const lowered = await reservedBy(t, { model: strong, messages, max_tokens: 1000 }, { upstreams });
  assert.equal(lowered.sent.max_tokens, 300);
  near(lowered.reserved, 300 * OUT + lowered.bytes * IN);
});

test("several answers, prompts and images are in the bound", async (t) => {
  const several = await reservedBy(t, { model: strong, messages, n: 128, max_tokens: 10 });
  near(several.reserved, 1280 * OUT + several.bytes * IN);
  const prompts = { model: strong, prompt: Array(50).fill("x"), n: 2, best_of: 3, max_tokens: 10 };
  const listed = await reservedBy(t, prompts, { path: "v1/completions" });
  near(listed.reserved, 50 * 3 * 10 * OUT + listed.bytes * IN);
  const ids = await reservedBy(
    t,
    { model: strong, prompt: Array(500).fill(7), max_tokens: 10 },
    { path: "v1/completions" },
  );
  near(ids.reserved, 10 * OUT + ids.bytes * IN);
  const url = `data:image/png;base64,${"A".repeat(9000)}`;
  const content = [{ type: "image_url", image_url: { url } }];
  const image = await reservedBy(t, {
    model: strong,
    messages: [{ role: "user", content }, ...messages],
    max_tokens: 10,
  });
  near(image.reserved, 10 * OUT + (image.bytes - url.length + 8192) * IN);
});

test("the bound is that of the dearest model that may answer", async (t) => {
  const dear = { dear: { baseUrl: there.url, inputPrice: 10, outputPrice: 300 } };
  const upstreams = { ...everyCandidateAt(there, { fallbacks: ["dear"] }), ...dear };
  const body = { model: weak, messages, max_tokens: 100 };
  const fallback = await reservedBy(t, body, { upstreams });
  near(fallback.reserved, 100 * 300e-6 + fallback.bytes * IN);
  const cascade = { from: [weak], to: "dear" };
  const request = { model: "auto:threshold:1", messages, max_tokens: 100 };
  const options = { upstreams: { ...everyCandidateAt(there), ...dear }, gateway: { cascade } };
  const escalation = await reservedBy(t, request, options);
  near(escalation.reserved, 100 * 300e-6 + escalation.bytes * IN);
});

test("what does not fit is refused, and a request without a limit is shortened to what is left", async (t) => {
  const { chat } = await underBudget(t, there, { usd: 0.05, period: "month" });
  await refused(chat({ model: strong, max_tokens: 100_000 }), 429, "budget_exhausted");
  assert.equal(there.requests.length, 0);
  assert.equal((await chat({ model: strong })).status, 200);
  const { max_tokens: limit } = there.last().json;
  assert.ok(limit > 256 && limit < 0.05 / OUT, `${limit}`);
});

test("a limit that is no number is refused under a budget, and left to the upstream without one", async (t) => {
  const { worker, chat } = await underBudget(t, there, { usd: 5, period: "month" });
  for (const fields of [{ max_tokens: "many" }, { max_completion_tokens: 1.5 }, { n: 0 }]) {
    await refused(chat({ model: strong, ...fields }), 400, "field_malformed");
    assert.equal(there.requests.length, 0);
    assert.equal((await worker.chat({ model: strong, ...fields }, bearer(key("other")))).status, 200);
    there.requests.length = 0;
  }
});

test("requests with the same x-request-id are each charged", async (t) => {
  const { chat, settled } = await underBudget(t, there, { usd: 5, period: "month" });
  const all = await Promise.all(
    Array.from({ length: 10 }, () => chat({ model: strong, max_tokens: 50 }, { "x-request-id": "one" })),
  );
  assert.ok(all.every((one) => one.status === 200 && one.headers.get("x-request-id") === "one"));
  near((await settled()).spent, 10 * 0.0025);
});

test("a stream that tells no usage is charged by its text, whatever the caller's fields say", async (t) => {
  const { chat, settled } = await underBudget(t, there, { usd: 5, period: "month" });
  there.does(streamed(words(WORDS)));
  const fields = { model: strong, stream: true, max_tokens: 30_000, max_output_tokens: 1 };
  await (await chat(fields)).text();
  assert.equal(there.last().json.stream_options.include_usage, true);
  const { spent } = await settled();
  near(spent, (WORDS * 5 * OUT) / 4, 0.001);
});

test("a client that leaves pays for what it got", async (t) => {
  const upstreams = {
    ...everyCandidateAt(there),
    claude: { baseUrl: there.url, api: "anthropic", inputPrice: 10, outputPrice: 30 },
  };
  const { worker, chat, post, settled } = await underBudget(t, there, { usd: 5, period: "month" }, { upstreams });
  const start = {
    type: "message_start",
    message: {
      id: "m",
      type: "message",
      role: "assistant",
      model: "c",
      content: [],
      usage: { input_tokens: 10, output_tokens: 1 },
    },
  };
  const anthropic = [
    start,
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: words(WORDS) } },
  ]
    .map((one) => event(one, one.type))
    .join("");
  const cases = /** @type {[Answer, () => Promise<Response>][]} */ ([
    [
      lasting(chunk({ content: words(WORDS) }), ": ping\n\n"),
      () => chat({ model: strong, stream: true, max_tokens: 30_000 }),
    ],
    [
      lasting(anthropic, event({ type: "ping" }, "ping")),
      () => post("v1/messages", { model: "claude", stream: true, max_tokens: 30_000, messages }),
    ],
    [
      lasting(anthropic, event({ type: "ping" }, "ping")),
      () => chat({ model: "claude", stream: true, max_tokens: 30_000 }),
    ],
  ]);
  assert.ok(worker);
  let before = 0;
  for (const [answer, ask] of cases) {
    there.does(answer);
    const reader = /** @type {ReadableStream<Uint8Array>} */ ((await ask()).body).getReader();
    let read = 0;
    while (read < WORDS * 5) read += (await reader.read()).value?.length ?? WORDS * 5;
    await reader.cancel();
    const { spent } = await settled();
    near(spent - before, (WORDS * 5 * OUT) / 4, 0.01);
    before = spent;
  }
});

test("an answer that is fetched later is refused", async (t) => {
  const { post } = await underBudget(
    t,
    there,
    { usd: 5, period: "month" },
    {
      upstreams: everyCandidateAt(there, { allow: ["background"] }),
    },
  );
  const error = await refused(
    post("v1/responses", { model: strong, input: "Hi", background: true }),
    400,
    "field_refused",
  );
  assert.ok(error.message.includes("background"), error.message);
  assert.equal(there.requests.length, 0);
});

test("calls that failed after they were sent cost their input, and refused ones nothing", async (t) => {
  const slow = {
    breaker: { failures: 1_000_000 },
    timeouts: { headersMs: 100, firstByteMs: 100, idleMs: 100 },
    retries: { most: 2, baseMs: 1, longestMs: 5 },
  };
  const { chat, settled } = await underBudget(t, there, { usd: 5, period: "month" }, { gateway: slow });
  const asked = { model: strong, max_tokens: 50, messages: [{ role: "user", content: words(500) }] };
  there.does(openai({ usage: null, text: "" }));
  await chat(asked);
  const input = (await settled()).spent;
  assert.ok(input > 400 * IN, `${input}`);
  let before = input;
  const costs = async (/** @type {Answer} */ answer) => {
    there.does(answer);
    await (await chat(asked)).text();
    const { spent } = await settled();
    const found = (spent - before) / input;
    before = spent;
    return { found, calls: there.requests.length };
  };
  const never = () => new Promise(() => {});
  for (const [answer, expected] of /** @type {[Answer, number][]} */ ([
    [never, 1],
    [inTurn(hangUp, openai({ usage: null, text: "" })), 2],
    [status(500), 3],
    [status(422), 0],
    [status(429, { "retry-after": "0" }), 0],
    [status(503), 0],
  ])) {
    const { found, calls } = await costs(answer);
    near(found, expected, 0.01);
    assert.ok(calls >= expected, `${calls} calls`);
  }
  const { found } = await costs(errorIn200);
  assert.ok(found >= 3, `${found}`);
});

test("both answers of a cascade are charged", async (t) => {
  const { chat, settled } = await underBudget(
    t,
    there,
    { usd: 5, period: "month" },
    {
      upstreams: everyCandidateAt(there, { contextWindow: 1_000_000 }),
      gateway: { cascade: { from: [weak], to: strong } },
    },
  );
  there.does(inTurn(openai({ text: "I'm sorry, no." }), streamed(words(WORDS))));
  const response = await chat({ model: "auto:threshold:1", stream: true, max_tokens: 30_000 });
  const { cascade, model } = decisionHeaders(response);
  assert.deepEqual([cascade, model], ["escalated", strong]);
  await response.text();
  const { spent } = await settled();
  assert.ok(spent > (WORDS * 5 * OUT) / 4, `${spent}`);
});

test("a settlement after 15 minutes replaces what was charged until then", async (t) => {
  const { chat, settled, pass } = await underBudget(t, there, { usd: 50, period: "month" });
  const [asked, held] = [deferred("the call"), deferred("the answer")];
  there.does(async (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(chunk({ content: words(WORDS) }));
    asked.resolve();
    await held.promise;
    response.end(chunk({}, { finish_reason: "stop" }) + event("[DONE]"));
  });
  const answer = chat({ model: strong, stream: true, max_tokens: 30_000 });
  await asked.promise;
  const response = await answer;
  await pass(16 * 60_000);
  const charged = (await settled()).spent;
  assert.ok(charged >= 30_000 * OUT, `${charged}`);
  held.resolve();
  await response.text();
  const spent = await until(async () => {
    const found = (await settled()).spent;
    return found !== charged && found;
  }, "the late settlement");
  near(spent, (WORDS * 5 * OUT) / 4, 0.01);
});

test("tokens written to a cache have their price, and a stated cost is charged", async (t) => {
  const upstreams = {
    claude: { baseUrl: there.url, api: "anthropic", inputPrice: 10, outputPrice: 30 },
    [strong]: { baseUrl: there.url, inputPrice: 10, outputPrice: 30 },
  };
  const { post, chat, settled } = await underBudget(t, there, { usd: 5, period: "month" }, { upstreams });
  const usage = {
    input_tokens: 100,
    cache_creation_input_tokens: 300,
    cache_read_input_tokens: 0,
    cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 100 },
    output_tokens: 10,
  };
  const message = {
    id: "m",
    type: "message",
    role: "assistant",
    model: "c",
    content: [{ type: "text", text: "Four." }],
    stop_reason: "end_turn",
    usage,
  };
  there.does(text(JSON.stringify(message)));
  await (await post("v1/messages", { model: "claude", max_tokens: 10, messages })).text();
  const written = (100 + 200 * 1.25 + 100 * 2) * IN + 10 * OUT;
  near((await settled()).spent, written);
  there.does(
    openai({ usage: /** @type {any} */ ({ prompt_tokens: 1, completion_tokens: 1, total_tokens: 2, cost: 0.5 }) }),
  );
  await chat({ model: strong, max_tokens: 50 });
  near((await settled()).spent, written + 0.5);
});

test("embeddings need no output price", async (t) => {
  const upstreams = { embed: { baseUrl: there.url, inputPrice: 10 } };
  const { post, settled } = await underBudget(t, there, { usd: 5, period: "month" }, { upstreams });
  assert.equal((await post("v1/embeddings", { model: "embed", input: "Hi" })).status, 200);
  assert.ok((await settled()).spent > 0);
});

test("an endless answer ends at timeouts.totalMs, and is charged", async (t) => {
  const gateway = { timeouts: { totalMs: 700 } };
  const { chat, settled } = await underBudget(t, there, { usd: 50, period: "month" }, { gateway });
  const gone = deferred("the end of the call");
  there.does(endless(chunk({ content: words(10) }), gone.resolve));
  const response = await chat({ model: strong, stream: true, max_tokens: 1_000_000 });
  const all = await response.text().catch(() => "");
  assert.ok(all === "" || all.includes("total_timeout"), all.slice(-200));
  await gone.promise;
  assert.ok((await settled()).spent > 0.001);
  there.does(() => new Promise(() => {}));
  await refused(chat({ model: strong }), 504, "total_timeout");
  await until(async () => (await settled()).reserved === 0, "settling");
});
