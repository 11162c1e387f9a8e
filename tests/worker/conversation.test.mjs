// Ratings of conversations: they rise at once with a harder message and decay with easier ones.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { alone, BUNDLE, decisionHeaders, gateway } from "./gateway.mjs";
import { openai } from "./openai-stand-in.mjs";
import { upstream } from "./stand-ins.mjs";

const TURN_DECAY = 0.3;
const there = await upstream();
const worker = await gateway({ upstream: there });
after(async () => {
  await worker.close();
  await there.close();
});

const conversation = (/** @type {string[]} */ texts) =>
  texts.flatMap((content, at) => [
    ...(at > 0 ? [{ role: "assistant", content: `Answer ${at}` }] : []),
    { role: "user", content },
  ]);
const decision = async (/** @type {object} */ body, on = worker) => (await on.post("v1/route", body)).json();
/** @type {(query: string) => Promise<number>} */
const single = async (query) => (await decision({ query })).winRate;
/** @type {(texts: string[]) => Promise<number>} */
const rated = async (texts) => (await decision({ messages: conversation(texts) })).winRate;
const near = (/** @type {number} */ found, /** @type {number} */ expected) =>
  assert.ok(Math.abs(found - expected) < 1e-6, `${found}, expected ${expected}`);

/** Of these texts, the one that the fixture rates hardest, and one that it rates much easier. */
async function hardAndEasy() {
  const texts = [
    "Plan the whole system, and prove it",
    "What is the capital city of the country?",
    "yes, do it",
    "3.14159 * 2 = ? 1,000,000",
  ];
  const rates = await Promise.all(texts.map(async (text) => ({ text, rate: await single(text) })));
  rates.sort((a, b) => a.rate - b.rate);
  const [easy, hard] = [rates[0], rates[rates.length - 1]];
  assert.ok(hard.rate - easy.rate > 0.2, JSON.stringify(rates));
  return { hard, easy };
}

/** The win rate of a conversation, computed from those of its messages. */
const followed = (/** @type {number[]} */ rates, decay = TURN_DECAY) =>
  rates.reduce((before, rate) => (rate >= before ? rate : before + decay * (rate - before)));

test("after a hard message an easy one lowers the rating by 30 % of the difference", async () => {
  const { hard, easy } = await hardAndEasy();
  near(await rated([hard.text, easy.text]), easy.rate + 0.7 * (hard.rate - easy.rate));
});

test("a harder message raises the rating at once", async () => {
  const { hard, easy } = await hardAndEasy();
  near(await rated([easy.text, easy.text, hard.text]), hard.rate);
});

test("chat completions and /v1/route make the same decision", async () => {
  there.does(openai());
  const { hard, easy } = await hardAndEasy();
  const messages = conversation([hard.text, easy.text]);
  const { "win-rate": winRate } = decisionHeaders(await worker.chat({ messages }));
  assert.ok(Math.abs(Number(winRate) - (await decision({ messages })).winRate) < 1e-5);
  // A threshold between the win rates of the last message alone and of the conversation.
  const between = easy.rate + 0.35 * (hard.rate - easy.rate);
  const headers = { "x-pointsman-threshold": String(between) };
  assert.equal(decisionHeaders(await worker.chat({ messages }, headers)).model, BUNDLE.strong);
  assert.equal(decisionHeaders(await worker.chat({ messages: messages.slice(-1) }, headers)).model, BUNDLE.weak);
});

test("only the text of user messages is rated", async () => {
  const { hard, easy } = await hardAndEasy();
  const messages = [
    { role: "system", content: hard.text },
    { role: "user", content: easy.text },
    { role: "assistant", content: hard.text },
    { role: "tool", tool_call_id: "t", content: hard.text },
    { role: "user", content: [{ type: "image_url", image_url: { url: "data:," } }] },
    { role: "user", content: "" },
  ];
  near((await decision({ messages })).winRate, easy.rate);
});

test("the last eight user messages with text are rated, and no earlier one", async () => {
  const { hard, easy } = await hardAndEasy();
  const eight = [hard, ...Array(7).fill(easy)];
  near(await rated(eight.map(({ text }) => text)), followed(eight.map(({ rate }) => rate)));
  near(await rated([hard, ...Array(8).fill(easy)].map(({ text }) => text)), easy.rate);
});

test("the text parts of a message are rated together", async () => {
  const parts = [
    { type: "text", text: "prove" },
    { type: "text", text: "it" },
  ];
  near((await decision({ messages: [{ role: "user", content: parts }] })).winRate, await single("prove\nit"));
});

test("the gateway uses the configured turnDecay: 1 rates only the last message", async (t) => {
  there.does(openai());
  const { hard, easy } = await hardAndEasy();
  const messages = conversation([hard.text, easy.text]);
  for (const turnDecay of [0, 0.5, 1]) {
    const one = await alone(t, { upstream: there, gateway: { routing: { turnDecay } } });
    const found = Number(decisionHeaders(await one.chat({ messages }))["win-rate"]);
    assert.ok(Math.abs(found - followed([hard.rate, easy.rate], turnDecay)) < 1e-5, `turnDecay ${turnDecay}: ${found}`);
    near((await decision({ messages }, one)).winRate, followed([hard.rate, easy.rate], turnDecay));
  }
});
