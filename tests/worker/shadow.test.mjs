// `shadow`: both LLMs answer a share of the requests, and a judge compares them behind the answer.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { BUNDLE, decisionHeaders, ledgerOf, refused } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { decided, files, verdicts } from "./log-files.mjs";
import { chunk, openai } from "./openai-stand-in.mjs";
import { COSTS, JUDGE, judging, LOG_SECRET, shadowed } from "./shadowed.mjs";
import { deferred, endless, silence, status, until } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const WEAKEST = { "x-pointsman-threshold": "1" };
const STRONGEST = { "x-pointsman-threshold": "0" };
const QUERY = "What is the capital city of the country?";
const ASKED = { messages: [{ role: "user", content: QUERY }] };
const near = (/** @type {number} */ found, /** @type {number} */ expected) =>
  assert.ok(Math.abs(found - expected) < 1e-9, `${found}, expected ${expected}`);

test("the other LLM answers behind the answer, and the judge's verdict is a row of the trainer's", async (t) => {
  const { worker, large, small, judge, spent } = await shadowed(t, { shadow: { share: 0.999999999 } });
  const response = await worker.chat(ASKED, { ...WEAKEST, "x-request-id": "s-1" });
  const headers = decisionHeaders(response);
  assert.deepEqual([headers.model, headers.attempts], [weak, "1"]);
  near(Number(headers.cost), COSTS[weak]);
  const decision = await decided(worker, "s-1");
  assert.deepEqual(decision.shadow, { probability: 0.999999999, sampled: true });
  const verdict = [...(await verdicts(worker)).values()][0];
  const { name, at, bundle, latency_ms: latency, judge_prompt: prompt, win_rate: rate, weight, ...row } = verdict;
  assert.equal(name, `verdicts/${at.slice(0, 10)}/open/${decision.decision_id}.json`);
  assert.deepEqual([at, bundle, rate], [decision.at, decision.bundle, decision.win_rate]);
  assert.match(prompt, /^pairwise-[0-9a-f]{8}$/);
  assert.deepEqual(Object.keys(latency).sort(), [strong, weak].sort());
  near(weight, 1 / 0.999999999);
  assert.deepEqual(row, {
    format: 1,
    id: decision.decision_id,
    key: "open",
    endpoint: "chat/completions",
    dataset: "shadow",
    query: QUERY,
    query_hmac: createHmac("sha256", LOG_SECRET).update(`pointsman query 1\n${QUERY}`).digest("hex"),
    router: BUNDLE.name,
    threshold: 1,
    strong,
    weak,
    chosen: weak,
    model_a: strong,
    model_b: weak,
    target: 1,
    orders: ["first", "second"],
    judge: JUDGE,
    probability: 0.999999999,
    costs: { [strong]: COSTS[strong], [weak]: COSTS[weak] },
    judge_usd: 2 * COSTS[JUDGE],
    failed: null,
  });
  assert.deepEqual([large.requests.length, small.requests.length, judge.requests.length], [1, 1, 2]);
  const [one, other] = judge.requests.map(({ json }) => json.messages[0].content);
  for (const text of [one, other]) assert.ok(text.includes(QUERY) && !text.includes(strong) && !text.includes(weak));
  assert.notEqual(one, other, "both orders");
  near((await spent()).spent, COSTS[strong] + 2 * COSTS[JUDGE]);
});

test("a stream's answer is kept while it passes, in every API", async (t) => {
  const { worker, large } = await shadowed(t);
  const bodies = {
    "v1/chat/completions": { model: "auto", stream: true, ...ASKED },
    "v1/messages": { model: "auto", stream: true, max_tokens: 99, ...ASKED },
    "v1/responses": { model: "auto", stream: true, input: QUERY },
    "v1/completions": { model: "auto", stream: true, prompt: QUERY },
  };
  let count = 0;
  for (const [path, body] of Object.entries(bodies)) {
    const id = `stream-${++count}`;
    const response = await worker.post(path, body, { ...WEAKEST, "x-request-id": id });
    assert.ok((await response.text()).includes("Short."), path);
    const { decision_id: decision } = await decided(worker, id);
    const verdict = (await verdicts(worker, count)).get(decision);
    assert.deepEqual([path, verdict.target, verdict.failed], [path, 1, null]);
  }
  assert.equal(large.requests.length, count);
});

test("a judge that contradicts itself gives a tie, and one that prefers the weak answer a 0", async (t) => {
  const { worker, judge } = await shadowed(t);
  judge.does(judging(() => "A"));
  await worker.chat(ASKED, STRONGEST);
  const first = [...(await verdicts(worker)).values()][0];
  assert.deepEqual([first.target, first.orders, first.chosen], [0.5, ["first", "first"], strong]);
  judge.does(judging((a, b) => (a.length < b.length ? "A" : "B")));
  await worker.chat(ASKED, { ...STRONGEST, "x-request-id": "s-2" });
  const { decision_id: id } = await decided(worker, "s-2");
  const second = (await verdicts(worker, 2)).get(id);
  assert.deepEqual([second.target, second.orders], [0, ["second", "first"]]);
});

test("prose is asked about once more, then the comparison failed, and what it cost is spent", async (t) => {
  const { worker, judge, spent } = await shadowed(t);
  const prose = openai({ text: "Both have their merits." });
  judge.does((request, response, body, number) => {
    const again = JSON.parse(body).messages.length > 1;
    return again
      ? openai({ text: "Verdict: tie" })(request, response, body, number)
      : prose(request, response, body, number);
  });
  await worker.chat(ASKED, WEAKEST);
  const first = [...(await verdicts(worker)).values()][0];
  assert.deepEqual([first.target, first.orders], [0.5, ["neither", "neither"]]);
  near(first.judge_usd, 4 * COSTS[JUDGE]);
  judge.does(prose);
  await worker.chat(ASKED, { ...WEAKEST, "x-request-id": "p-2" });
  const { decision_id: id } = await decided(worker, "p-2");
  const second = (await verdicts(worker, 2)).get(id);
  assert.deepEqual(second.failed, { at: "judge", code: "judge_unreadable" });
  assert.deepEqual(["target" in second, "orders" in second], [false, false]);
  near(second.judge_usd, 4 * COSTS[JUDGE]);
  near((await spent()).spent, 2 * (COSTS[strong] + 4 * COSTS[JUDGE]));
});

test("a judge or an LLM that is down is a failed comparison, and the caller notices nothing", async (t) => {
  const { worker, large, judge } = await shadowed(t);
  judge.does(status(503));
  await worker.chat(ASKED, WEAKEST);
  const down = [...(await verdicts(worker)).values()][0];
  assert.deepEqual([down.failed, down.judge_usd], [{ at: "judge", code: "upstream_error" }, 0]);
  near(down.costs[strong], COSTS[strong]);
  large.does(status(500));
  for (let count = 2; count < 8; count++) {
    assert.equal((await worker.chat(ASKED, { ...WEAKEST, "x-request-id": `f-${count}` })).status, 200);
    const { decision_id: id } = await decided(worker, `f-${count}`);
    const lost = (await verdicts(worker, count)).get(id);
    assert.deepEqual([lost.failed.at, lost.judge_usd], ["model", 0]);
  }
  // The failures in a row of the gateway's own calls open no circuit to a caller.
  large.does(openai());
  const own = await worker.chat(ASKED, STRONGEST);
  assert.equal(decisionHeaders(own).model, strong);
});

test("a judge or an LLM that is slow is a failed comparison at the limit", async (t) => {
  for (const at of /** @type {const} */ (["judge", "model"])) {
    const { worker, large, judge } = await shadowed(t, { shadow: { timeoutMs: 2500 } });
    (at === "judge" ? judge : large).does(silence);
    assert.equal((await worker.chat(ASKED, WEAKEST)).status, 200);
    const verdict = [...(await verdicts(worker)).values()][0];
    assert.deepEqual(verdict.failed, { at, code: "total_timeout" });
  }
});

test("an empty answer loses, and equal ones tie, without a judge", async (t) => {
  const { worker, large, judge } = await shadowed(t);
  large.does(openai({ text: "" }));
  await worker.chat(ASKED, WEAKEST);
  const first = [...(await verdicts(worker)).values()][0];
  assert.deepEqual([first.target, first.judge_usd, first.failed], [0, 0, null]);
  assert.equal("orders" in first, false);
  large.does(openai({ text: "Short." }));
  await worker.chat(ASKED, { ...WEAKEST, "x-request-id": "e-2" });
  const { decision_id: id } = await decided(worker, "e-2");
  assert.equal((await verdicts(worker, 2)).get(id).target, 0.5);
  assert.equal(judge.requests.length, 0);
});

test("what cannot be compared is not, whether it is drawn or not", async (t) => {
  const { worker, small } = await shadowed(t);
  const decision = async (/** @type {string} */ id, /** @type {object} */ fields, headers = {}) => {
    await (await worker.chat({ ...ASKED, ...fields }, { ...WEAKEST, "x-request-id": id, ...headers })).text();
    return decided(worker, id);
  };
  small.does(openai({ tools: [{ id: "c", name: "f", arguments: "{}" }] }));
  const tools = { tools: [{ type: "function", function: { name: "f", parameters: { type: "object" } } }] };
  const called = await decision("n-1", tools);
  assert.deepEqual([called.shadow, called.shadow_skipped], [undefined, "tools_called"]);
  for (const stream of [false, true]) {
    small.does(openai({ text: "long ".repeat(20_000) }));
    const long = await decision(`n-2-${stream}`, { stream });
    assert.deepEqual([long.shadow, long.shadow_skipped], [undefined, "answer_too_long"], `${stream}`);
  }
  small.does(openai());
  assert.equal((await decision("n-3", { n: 2 })).shadow, undefined);
  assert.equal((await decision("n-4", {}, { "x-pointsman-exclude": strong })).shadow, undefined);
  small.does(status(422));
  assert.equal((await decision("n-5", {})).shadow, undefined);
  assert.deepEqual(await files(worker, "verdicts/"), []);
});

test("an eligible request that is not drawn states its probability, and costs nothing", async (t) => {
  const { worker, large } = await shadowed(t, { shadow: { share: 1e-12 } });
  await worker.chat(ASKED, { ...WEAKEST, "x-request-id": "u-1" });
  assert.deepEqual((await decided(worker, "u-1")).shadow, { probability: 1e-12 });
  assert.equal(large.requests.length, 0);
});

test("the cap holds under concurrency, and a request that exceeds it is not counted as drawn", async (t) => {
  const usdPerDay = 0.02;
  const { worker, judge, spent } = await shadowed(t, { shadow: { usdPerDay }, fields: { maxOutputTokens: 100 } });
  const held = deferred();
  let most = 0;
  judge.does(async (...call) => {
    const { spent: paid, reserved } = await spent();
    most = Math.max(most, paid + reserved);
    await held.promise;
    openai({ text: "Verdict: A" })(...call);
  });
  const ids = Array.from({ length: 16 }, (_, at) => `c-${at}`);
  const answered = await Promise.all(ids.map((id) => worker.chat(ASKED, { ...WEAKEST, "x-request-id": id })));
  assert.deepEqual(new Set(answered.map((response) => response.status)), new Set([200]));
  await until(() => judge.requests.length > 0, "a judge that is asked");
  await new Promise((next) => setTimeout(next, 300));
  held.resolve();
  const found = await until(
    async () => {
      const all = (await files(worker, "decisions/")).map(({ text }) => JSON.parse(text ?? ""));
      return all.length >= ids.length && all;
    },
    "every decision",
    20_000,
  );
  const drawn = found.filter(({ shadow }) => shadow?.sampled);
  const skipped = found.filter(({ shadow_skipped: code }) => code === "cap_reached");
  assert.ok(drawn.length > 0 && skipped.length > 0, `${drawn.length} drawn, ${skipped.length} skipped`);
  assert.equal(drawn.length + skipped.length, ids.length);
  assert.ok(skipped.every(({ shadow }) => shadow === undefined));
  assert.equal((await verdicts(worker, drawn.length)).size, drawn.length);
  assert.ok(most > 0 && most <= usdPerDay + 1e-9, `${most}`);
  await until(async () => (await spent()).reserved === 0, "every comparison settled", 20_000);
  near((await spent()).spent, drawn.length * (COSTS[strong] + 2 * COSTS[JUDGE]));
});

test("the caller's budget and key pay for no comparison", async (t) => {
  const poor = key("poor", { budget: { usd: 1, period: "day" } });
  const quiet = key("quiet", { shadow: false });
  const { worker, large } = await shadowed(t, { keys: [poor.entry, quiet.entry] });
  await worker.chat({ ...ASKED, max_tokens: 50 }, { ...WEAKEST, ...bearer(poor) });
  await verdicts(worker);
  const budget = await (await ledgerOf(worker, "budget:poor")).spent({ limit: 1, period: "day", now: Date.now() });
  near(budget.spent, COSTS[weak]);
  large.requests.length = 0;
  await worker.chat(ASKED, { ...WEAKEST, ...bearer(quiet), "x-request-id": "q-1" });
  assert.equal((await decided(worker, "q-1")).shadow, undefined);
  assert.equal(large.requests.length, 0);
});

test("without content in the log a verdict has the query's HMAC alone", async (t) => {
  const { worker } = await shadowed(t, { gateway: { log: { content: false } } });
  await worker.chat(ASKED, WEAKEST);
  const [{ text }] = await until(
    async () => {
      const found = await files(worker, "verdicts/");
      return found.length > 0 && found;
    },
    "a verdict",
    30_000,
  );
  assert.ok(!text?.includes("capital") && !text?.includes("careful"));
  assert.match(JSON.parse(text ?? "").query_hmac, /^[0-9a-f]{64}$/);
});

test("with observe every request has both answers, and the weak one is the shadow", async (t) => {
  const { worker, small } = await shadowed(t, { gateway: { mode: "observe" } });
  await worker.chat({ ...ASKED, model: strong }, WEAKEST);
  const verdict = [...(await verdicts(worker)).values()][0];
  assert.deepEqual([verdict.target, verdict.chosen], [1, weak]);
  assert.equal(small.requests.length, 1);
});

test("models without a price, or that are not served, and missing bindings are errors of the configuration", async (t) => {
  const priced = { baseUrl: "http://127.0.0.1:9", inputPrice: 1, outputPrice: 1 };
  const unpriced = { baseUrl: "http://127.0.0.1:9" };
  const both = { [strong]: priced, [weak]: priced };
  for (const [upstreams, words] of /** @type {[object, string][]} */ ([
    [{ ...both, [JUDGE]: unpriced }, `shadow needs the prices of "${JUDGE}"`],
    [both, "shadow.judge"],
  ])) {
    const { worker } = await shadowed(t, { upstreams });
    await refused(worker.chat(), 500, "config_invalid");
    assert.ok(
      worker.log.some((line) => line.includes(words)),
      worker.log.join(),
    );
  }
  for (const options of [{ ledger: false }, { buckets: [] }]) {
    const { worker } = await shadowed(t, options);
    await refused(worker.chat(), 500, "binding_missing");
  }
});

test("a bucket that refuses keeps no answer from its caller, and the verdict stands in the Worker's log", async (t) => {
  const { worker } = await shadowed(t, {
    buckets: [],
    secrets: { LOG_SECRET, LOG: /** @type {any} */ ({ no: "put" }) },
  });
  assert.equal((await worker.chat(ASKED, WEAKEST)).status, 200);
  await until(() => worker.log.some((line) => line.includes("verdict not written")), "a line of the log", 30_000);
  const line = worker.log.find((text) => text.includes("verdict not written")) ?? "";
  assert.ok(line.includes('"target":1.0') && !line.includes("capital"), line);
});

test("a stream is passed on before its comparison, and one that its client leaves is not compared", async (t) => {
  const { worker, large, small } = await shadowed(t);
  const held = deferred();
  large.does(async (...call) => {
    await held.promise;
    openai({ text: "A long and careful answer." })(...call);
  });
  const response = await worker.chat({ ...ASKED, stream: true }, WEAKEST);
  assert.ok((await response.text()).includes("[DONE]"), "whole while the other LLM is silent");
  held.resolve();
  await verdicts(worker);
  small.does(endless(chunk({ content: "word " })));
  const left = await worker.chat({ ...ASKED, stream: true }, { ...WEAKEST, "x-request-id": "l-1" });
  await left.body?.cancel();
  assert.equal((await decided(worker, "l-1")).shadow, undefined);
});
