// Budgets: the spending limit of a key in a day or a month.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { BUNDLE, decisionHeaders, everyCandidateAt, refused } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { chunk, event, openai } from "./openai-stand-in.mjs";
import { deferred, endless, pieces, status, upstream } from "./stand-ins.mjs";
import { near, underBudget } from "./under-budget.mjs";

const { strong, weak } = BUNDLE;
const DAY = 24 * 60 * 60 * 1000;
/** The cost of the stand-in's usage at the strong model's prices: 100 input and 50 output tokens. */
const COST = 0.0025;
/** A request that reserves less than COST: 50 output tokens and its input. */
const SHORT = { model: strong, max_tokens: 50 };

const there = await upstream();
after(() => there.close());

test("an answer's cost is spent, in streams too", async (t) => {
  const { chat, post, settled } = await underBudget(t, there, { usd: 5, period: "month" });
  assert.equal((await chat({ model: strong })).status, 200);
  near((await settled()).spent, COST);
  await (await chat({ model: strong, stream: true, stream_options: { include_usage: true } })).text();
  near((await settled()).spent, 2 * COST);
  await (
    await post("v1/messages", { model: strong, max_tokens: 9, messages: [{ role: "user", content: "Hi" }] })
  ).text();
  near((await settled()).spent, 3 * COST);
  await (await post("v1/responses", { model: strong, input: "Hi" })).text();
  near((await settled()).spent, 4 * COST);
});

test("an answer without usage costs its input and its text, and a refused request nothing", async (t) => {
  const { chat, settled } = await underBudget(t, there, { usd: 5, period: "day" });
  there.does(openai({ usage: null, text: "word ".repeat(400) }));
  assert.equal((await chat({ model: strong })).status, 200);
  const { spent } = await settled();
  // 500 tokens of text at 30 dollars per million, and an input of a few tokens at 10.
  assert.ok(spent > 0.015 && spent < 0.0152, `${spent}`);
  for (const code of [422, 429, 503]) {
    there.does(status(code, { "retry-after": "0" }));
    assert.equal((await chat({ model: strong })).status, code);
  }
  near((await settled()).spent, spent);
});

test("what a call may cost is reserved while it lasts", async (t) => {
  const { chat, settled } = await underBudget(t, there, { usd: 0.02, period: "day" });
  const held = deferred();
  const asked = deferred();
  there.does(async (...call) => {
    asked.resolve();
    await held.promise;
    openai()(...call);
  });
  const first = chat({ model: strong });
  await asked.promise;
  await refused(chat({ model: strong }), 429, "budget_exhausted");
  held.resolve();
  assert.equal((await first).status, 200);
  near((await settled()).spent, COST);
});

test("a spent budget refuses every request, and the error says when the period ends", async (t) => {
  const { chat, post, settled, pass } = await underBudget(t, there, { usd: COST, period: "day" });
  assert.equal((await chat(SHORT)).status, 200);
  const { endsAt } = await settled();
  there.requests.length = 0;
  for (const response of [chat(), chat({ model: weak }), post("v1/responses", { model: "auto", input: "x" })]) {
    const error = await refused(response, 429, "budget_exhausted");
    assert.ok(error.message.includes(new Date(endsAt).toISOString().slice(0, 10)), error.message);
  }
  assert.equal(there.requests.length, 0);
  await pass(DAY);
  assert.equal((await chat(SHORT)).status, 200);
});

test("budgets of keys are separate, and /v1/route costs nothing", async (t) => {
  const { worker, chat, post, settled } = await underBudget(t, there, { usd: COST, period: "month" });
  assert.equal((await chat(SHORT)).status, 200);
  await settled();
  await refused(chat(), 429, "budget_exhausted");
  assert.equal((await worker.chat({}, bearer(key("other")))).status, 200);
  assert.equal((await post("v1/route", { query: "x" })).status, 200);
});

test("from softFrom on the threshold rises linearly to 1 at the end of the budget", async (t) => {
  for (const [softFrom, spentShare, expected] of [
    [0, 0.5, 0.5],
    [0.8, 0.5, 0],
    [0.5, 0.75, 0.5],
  ]) {
    const usd = (10 * COST) / spentShare;
    const { chat, settled } = await underBudget(
      t,
      there,
      { usd, period: "month" },
      { gateway: { budget: { softFrom } } },
    );
    there.does(openai({ usage: { prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 } }));
    assert.equal((await chat({ model: strong, max_tokens: 500 })).status, 200);
    near((await settled()).spent / usd, spentShare);
    const { threshold } = decisionHeaders(await chat({ max_tokens: 10 }, { "x-pointsman-threshold": "0" }));
    near(Number(threshold), expected, 1e-5);
  }
});

test("a model without prices cannot be used under a budget, and can be used without one", async (t) => {
  const upstreams = {
    ...everyCandidateAt(there),
    priceless: { baseUrl: there.url },
    priced: { baseUrl: there.url, inputPrice: 10, outputPrice: 30 },
  };
  const { worker, chat, settled } = await underBudget(t, there, { usd: 5, period: "month" }, { upstreams });
  await refused(chat({ model: "priceless" }), 500, "price_unknown");
  assert.equal(there.requests.length, 0);
  assert.equal((await worker.chat({ model: "priceless" }, bearer(key("other")))).status, 200);
  assert.equal((await chat({ model: "priced" })).status, 200);
  near((await settled()).spent, COST);
});

test("cached tokens have their own price", async (t) => {
  const upstreams = everyCandidateAt(there, { cachedInputPrice: 1 });
  const { chat, settled } = await underBudget(t, there, { usd: 5, period: "month" }, { upstreams });
  there.does(
    openai({
      usage: {
        prompt_tokens: 100,
        completion_tokens: 50,
        total_tokens: 150,
        prompt_tokens_details: { cached_tokens: 60 },
      },
    }),
  );
  const { cost } = decisionHeaders(await chat({ model: strong }));
  // 40 tokens at 10, 60 at 1 and 50 at 30 dollars per million.
  near(Number(cost), 0.00196);
  near((await settled()).spent, 0.00196);
});

test("without the ledger a key with a budget is refused, and other keys are served", async (t) => {
  const { worker, chat } = await underBudget(t, there, { usd: 5, period: "month" }, { ledger: false });
  await refused(chat(), 500, "binding_missing");
  assert.equal((await worker.chat({}, bearer(key("other")))).status, 200);
});

test("a stream that the client cancels is settled", async (t) => {
  const { chat, settled } = await underBudget(t, there, { usd: 5, period: "month" });
  const gone = deferred();
  there.does(endless(chunk({ content: "more " }), gone.resolve));
  const response = await chat({ model: strong, stream: true });
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await gone.promise;
  assert.ok((await settled()).spent > 0);
});

test("usage at the end of a stream is read wherever its chunks are split", async (t) => {
  const { chat, settled } = await underBudget(t, there, { usd: 5, period: "month" });
  const text = `${chunk({ content: "Hé" })}${event({ choices: [], usage: { prompt_tokens: 100, completion_tokens: 50 } })}${event("[DONE]")}`;
  there.does(pieces([...Buffer.from(text)].map((byte) => Buffer.from([byte]))));
  const options = { model: strong, stream: true, stream_options: { include_usage: true } };
  assert.equal(await (await chat(options)).text(), text);
  near((await settled()).spent, COST);
  const without = text.replace(/data: [^\n]*usage[^\n]*\n\n/, "");
  assert.equal(await (await chat({ model: strong, stream: true })).text(), without);
  near((await settled()).spent, 2 * COST);
  assert.equal(there.last().json.stream_options.include_usage, true);
});
