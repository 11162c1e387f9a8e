// The law of budgets, through the whole gateway: whatever a key's requests and their upstreams do, what is
// spent and reserved never exceeds the budget, and what is spent is at least what the upstreams bill.
//
//   SEED=17 node --test tests/worker/budget-law.test.mjs    repeats a run

/** @import { Call } from "./billing-stand-in.mjs" */

import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";

import { billing } from "./billing-stand-in.mjs";
import { alone, BUNDLE, ledgerOf } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { seeded } from "./soak.mjs";
import { until, upstream } from "./stand-ins.mjs";

const SEED = Number(process.env.SEED ?? 1);
/** Concurrent requests, how often, and requests one by one. */
const [ABREAST, WAVES, ALONE] = [12, 8, 60];
/** The limit on an answer's tokens in the configuration. */
const MOST = 2000;
/** US dollars per million tokens of input and output, by model. */
const PRICES = { [BUNDLE.strong]: [10, 30], [BUNDLE.weak]: [10, 30], claude: [10, 30], dear: [20, 60] };
/** Far below a nano-dollar for each request. */
const ROUNDING = 1e-6;

/**
 * A request: `leavesAt` is the number of words after which the client hangs up, for an answer that is not
 * streamed the milliseconds.
 * @typedef {{tag: number, path: string, body: object, headers: Record<string, string>, leavesAt?: number}} Drawn
 * @typedef {{tag: number, status: number, received: number, whole: boolean}} Outcome `whole` is true of a complete
 *   answer that was not streamed
 */

/** @param {number} tag @param {() => number} random @returns {Drawn} */
function draw(tag, random) {
  const below = (/** @type {number} */ most) => Math.floor(random() * most);
  const chance = (/** @type {number} */ share) => random() < share;
  const pick = (/** @type {any[]} */ list) => list[below(list.length)];
  const api = pick(["chat", "chat", "chat", "messages", "messages", "responses", "completions"]);
  const stream = chance(0.6);
  const limit = pick([10, 300, 1500, 5000, ...(api === "messages" ? [] : [undefined, undefined, undefined])]);
  const several = (api === "chat" || api === "completions") && chance(0.2);
  const text = `request-${tag} ${"ask ".repeat(1 + below(200))}`;
  const prompt = {
    chat: { messages: [{ role: "user", content: text }] },
    messages: { messages: [{ role: "user", content: text }] },
    responses: { input: text },
    completions: { prompt: chance(0.3) ? [text, "ask ask", "ask"] : text },
  }[/** @type {string} */ (api)];
  const field = {
    chat: chance(0.5) ? "max_tokens" : "max_completion_tokens",
    messages: "max_tokens",
    responses: "max_output_tokens",
    completions: "max_tokens",
  }[/** @type {string} */ (api)];
  const models = ["auto", BUNDLE.strong, BUNDLE.weak, ...(api === "chat" || api === "messages" ? ["claude"] : [])];
  return {
    tag,
    path: { chat: "v1/chat/completions" }[/** @type {string} */ (api)] ?? `v1/${api}`,
    body: {
      model: pick(models),
      ...prompt,
      ...(stream ? { stream } : {}),
      ...(limit && field ? { [field]: limit } : {}),
      ...(several ? { n: 2 } : {}),
      ...(several && api === "completions" && !stream ? { best_of: 3 } : {}),
      ...(api === "chat" && stream && chance(0.3) ? { stream_options: { include_usage: true } } : {}),
    },
    headers: chance(0.5) ? { "x-request-id": "shared" } : {},
    ...(chance(0.2) ? { leavesAt: 1 + below(stream ? 400 : 40) } : {}),
  };
}

/**
 * Sends a request over a connection of its own, which `leavesAt` closes.
 * @param {URL} url
 * @param {Drawn} drawn
 * @param {Record<string, string>} headers
 * @returns {Promise<Outcome>}
 */
function send(url, { tag, path, body, leavesAt, ...drawn }, headers) {
  const { promise, resolve } = /** @type {PromiseWithResolvers<Outcome>} */ (Promise.withResolvers());
  const outcome = { tag, status: 0, received: 0, whole: false };
  let text = "";
  const request = httpRequest(new URL(path, url), {
    method: "POST",
    agent: false,
    headers: { ...headers, ...drawn.headers },
  });
  const end = () => {
    outcome.received = text.match(/\bword\b/g)?.length ?? 0;
    resolve(outcome);
  };
  const leave = () => {
    request.destroy();
    end();
  };
  const streams = "stream" in body;
  if (leavesAt && !streams) setTimeout(leave, leavesAt).unref();
  request.on("response", (response) => {
    outcome.status = response.statusCode ?? 0;
    response.on("data", (chunk) => {
      text += chunk;
      if (leavesAt && streams && text.length > leavesAt * "word ".length) leave();
    });
    response.on("end", () => {
      outcome.whole = !streams;
    });
    response.on("close", end);
    response.on("error", end);
  });
  request.on("error", end);
  request.end(JSON.stringify(body));
  return promise;
}

/**
 * What the upstreams bill for the calls of these requests, in US dollars.
 * @param {Call[]} calls
 * @param {Outcome[]} outcomes
 */
function billed(calls, outcomes) {
  let total = 0;
  for (const { tag, status, received, whole } of outcomes) {
    const own = calls.filter((call) => call.tag === tag);
    for (const call of own) {
      const [input, output] = PRICES[call.model.replace(/-there$/, "")];
      if (call.kind === "free") continue;
      // The gateway answers for what it passed on: of an answer in a stream, what has reached the client.
      const answered = call === own.at(-1) && status === 200;
      const delivered = whole ? call.output : Math.min(call.output, received);
      total += (call.input * input + (answered ? delivered : 0) * output) / 1e6;
    }
  }
  return total;
}

/**
 * A gateway with a key that has this budget, its ledger, and the upstreams' calls.
 * @param {import("node:test").TestContext} t
 * @param {number} usd
 */
async function underBudget(t, usd) {
  const { answer, calls } = billing(SEED + 1000);
  const there = await upstream(answer);
  t.after(() => there.close());
  const who = key("spender", { budget: { usd, period: "month" } });
  const model = (/** @type {string} */ id, more = {}) => {
    const [inputPrice, outputPrice] = PRICES[id];
    return [id, { baseUrl: there.url, model: `${id}-there`, inputPrice, outputPrice, maxOutputTokens: MOST, ...more }];
  };
  const worker = await alone(t, {
    upstreams: Object.fromEntries([
      model(BUNDLE.strong, { fallbacks: ["dear"] }),
      model(BUNDLE.weak, { fallbacks: [BUNDLE.strong] }),
      model("claude", { api: "anthropic", fallbacks: ["dear"] }),
      model("dear"),
    ]),
    keys: [who.entry],
    ledger: true,
    gateway: {
      retries: { most: 2, baseMs: 1, longestMs: 5 },
      breaker: { failures: 1000 },
      timeouts: { headersMs: 400, firstByteMs: 400, idleMs: 400 },
    },
  });
  const ledger = await ledgerOf(worker, "budget:spender");
  /** What is spent and reserved now; the limit is checked. */
  const look = async () => {
    const found = await ledger.spent({ limit: usd, period: "month", now: Date.now() });
    const [spent, reserved] = [await found.spent, await found.reserved];
    assert.ok(spent + reserved <= usd + ROUNDING, `SEED=${SEED}: spent ${spent}, reserved ${reserved}, of ${usd}`);
    return { spent, reserved };
  };
  return {
    calls,
    look,
    /** What is spent once nothing is reserved. */
    settled: async () => {
      const state = await until(async () => {
        const found = await look();
        return found.reserved === 0 && found;
      }, "settling");
      return state.spent;
    },
    /** @param {Drawn} drawn */
    send: (drawn) => send(worker.url, drawn, bearer(who)),
  };
}

test("what is spent and reserved never exceeds the budget, and is at least what the upstreams bill", async (t) => {
  const gateway = await underBudget(t, 1);
  const random = seeded(SEED);
  /** @type {Outcome[]} */
  const outcomes = [];
  for (let wave = 0; wave < WAVES; wave += 1) {
    const drawn = Array.from({ length: ABREAST }, (_, index) => draw(wave * ABREAST + index, random));
    let open = true;
    const sent = Promise.all(drawn.map(gateway.send)).finally(() => {
      open = false;
    });
    while (open) {
      await gateway.look();
      await new Promise((next) => setTimeout(next, 20));
    }
    outcomes.push(...(await sent));
    const spent = await gateway.settled();
    const bill = billed(gateway.calls, outcomes);
    assert.ok(spent >= bill - ROUNDING, `SEED=${SEED}: spent ${spent}, billed ${bill}`);
  }
  const served = outcomes.filter(({ status }) => status === 200).length;
  const refused = outcomes.filter(({ status }) => status === 429 || status === 402).length;
  t.diagnostic(`${served} served, ${refused} refused`);
  assert.ok(served >= 10 && refused >= 1, `${served} served, ${refused} refused`);
  assert.ok(gateway.calls.every(({ limit }) => limit !== undefined && limit <= MOST));
});

test("each request costs at least what the upstreams bill for its calls", async (t) => {
  const gateway = await underBudget(t, 100);
  const random = seeded(SEED + 1);
  let before = 0;
  for (let tag = 0; tag < ALONE; tag += 1) {
    const drawn = draw(tag, random);
    const outcome = await gateway.send(drawn);
    const spent = await gateway.settled();
    const bill = billed(gateway.calls, [outcome]);
    const calls = gateway.calls.filter((call) => call.tag === tag);
    const what = JSON.stringify({ SEED, drawn, outcome, calls }).replace(/(ask )+/, "ask ");
    assert.ok(spent - before >= bill - ROUNDING, `cost ${spent - before}, billed ${bill}: ${what}`);
    before = spent;
  }
});
