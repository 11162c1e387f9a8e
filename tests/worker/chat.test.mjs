// POST /v1/chat/completions with upstreams that work: what upstream and client receive.

/** @import { SentHeaders } from "./gateway.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";

import { alone, BUNDLE, decisionHeaders, everyCandidateAt, gateway } from "./gateway.mjs";
import { openai } from "./openai-stand-in.mjs";
import { deferred, endless, status, text, upstream } from "./stand-ins.mjs";

const { strong, weak, kind, name } = BUNDLE;

// One Worker for all tests with the same configuration, since starting one is slow.
const there = await upstream();
const upstreams = {
  ...everyCandidateAt(there),
  extra: { baseUrl: there.url, model: "extra-there", inputPrice: 2, outputPrice: 4, headers: { "x-tenant": "seven" } },
};
const worker = await gateway({ upstreams });
after(async () => {
  await worker.close();
  await there.close();
});

test("the decision is in the headers and the upstream gets its own model name", async () => {
  there.does(openai({ text: "Rome." }));
  const response = await worker.chat({}, { "x-pointsman-threshold": "0" });
  assert.equal(response.status, 200);
  assert.equal((await response.json()).choices[0].message.content, "Rome.");
  const { model, reason, threshold, router, attempts, "win-rate": winRate } = decisionHeaders(response);
  assert.deepEqual([model, reason, Number(threshold), router, attempts], [strong, "above_threshold", 0, name, "1"]);
  assert.ok(Number(winRate) > 0 && Number(winRate) < 1);
  assert.equal(there.requests[0].path, "/v1/chat/completions");
  assert.equal(there.requests[0].json.model, `${strong}-there`);
});

test("model name, headers and default set the policy, in this order of precedence", async () => {
  there.does(openai());
  const half = { "x-pointsman-threshold": "1" };
  /** @type {[model: string, headers: SentHeaders, answered: string | undefined, why: string][]} */
  const cases = [
    ["auto", { "x-pointsman-strong-share": "1" }, strong, "above_threshold"],
    ["auto", { "x-pointsman-strong-share": "0" }, weak, "below_threshold"],
    [name, { "x-pointsman-threshold": "0" }, strong, "above_threshold"],
    ["auto", { "x-pointsman-cost-weight": "0" }, undefined, "best_score"],
    ["auto", { "x-pointsman-cost-weight": "1000000" }, weak, "best_score"],
    ["auto", { "x-pointsman-threshold": "0", "x-pointsman-max-cost": "0.001" }, weak, "only_candidate"],
    [`router-${kind}-0`, half, strong, "above_threshold"],
    [`router-${kind}-1`, {}, weak, "below_threshold"],
    [`router-${name}-0`, half, strong, "above_threshold"],
    [`router-${kind}:threshold:0`, half, strong, "above_threshold"],
    [`router-${name}:share:1`, half, strong, "above_threshold"],
    [`auto:share:1`, half, strong, "above_threshold"],
    [`${name}:share:0`, {}, weak, "below_threshold"],
    [`auto:cost-weight:1000000`, {}, weak, "best_score"],
    [`auto:max-cost:0.001`, { "x-pointsman-threshold": "0" }, weak, "only_candidate"],
    [weak, { "x-pointsman-threshold": "0" }, weak, "requested"],
    [strong, { "x-pointsman-strong-share": "0" }, strong, "requested"],
    ["extra", {}, "extra", "requested"],
  ];
  for (const [model, headers, answered, why] of cases) {
    const response = await worker.chat({ model }, headers);
    assert.equal(response.status, 200, `${model}: ${await response.text()}`);
    const found = decisionHeaders(response);
    assert.deepEqual([found.model, found.reason], [answered ?? found.model, why], model);
    if (why === "requested") assert.deepEqual([found["win-rate"], found.threshold], [undefined, undefined]);
  }
});

test("without a policy /v1/route and a chat decide alike on the same query", async (t) => {
  there.does(openai());
  // A share of the caller's traffic depends on the queries before.
  const fixed = await alone(t, { upstream: there, gateway: { routing: { learnShares: false } } });
  const routed = await (await fixed.post("v1/route", { query: "Hello" })).json();
  assert.equal(decisionHeaders(await fixed.chat()).model, routed.model);
});

test("x-pointsman-models and x-pointsman-exclude restrict the candidates", async () => {
  there.does(openai());
  /** @type {[headers: SentHeaders, model: string][]} */
  const cases = [
    [{ "x-pointsman-models": strong }, strong],
    [{ "x-pointsman-models": ` ${weak} ` }, weak],
    [{ "x-pointsman-exclude": weak, "x-pointsman-threshold": "1" }, strong],
    [{ "x-pointsman-models": `${weak}, ${strong}`, "x-pointsman-exclude": strong, "x-pointsman-threshold": "0" }, weak],
  ];
  for (const [headers, model] of cases) {
    const { model: answered, reason } = decisionHeaders(await worker.chat({}, headers));
    assert.deepEqual([answered, reason], [model, "only_candidate"], JSON.stringify(headers));
  }
});

test("only the model changes in the body", async () => {
  there.does(openai());
  const body = `{ "seed": 12345678901234567890123, "temperature": 1.10,
    "model" : "auto", "logit_bias": {"50256": -100}, "é": "\\u00e9\\ud83d\\ude80 ü",
    "tools": [{"type": "function", "function": {"name": "auto", "parameters": {"model": "auto"}}}],
    "messages": [{"role": "user", "content": "Hello", "unknown": [1.0, 1e2, null]}] , "model_": "auto"}`;
  const response = await worker.post("v1/chat/completions", body, { "x-pointsman-threshold": "1" });
  assert.equal(response.status, 200);
  assert.equal(there.requests[0].body, body.replace('"model" : "auto"', `"model" : "${weak}-there"`));
});

test("a request that names its model is forwarded without reading its messages", async () => {
  there.does(text('{"id": "1", "choices": []}'));
  const body = `{"model": "${weak}", "messages": "for the upstream to judge"}`;
  const response = await worker.post("v1/chat/completions", body);
  assert.equal(await response.text(), '{"id": "1", "choices": []}');
  assert.equal(there.requests[0].body, body.replace(`"${weak}"`, `"${weak}-there"`));
});

test("costs follow prices and usage, and are estimated before the answer", async () => {
  there.does(openai());
  const { cost, "estimated-cost": estimate } = decisionHeaders(await worker.chat({ model: strong }));
  // 100 tokens at 10 and 50 at 30 dollars per million.
  assert.ok(Math.abs(Number(cost) - 0.0025) < 1e-9, cost);
  assert.ok(Number(estimate) > 0, estimate);
  const extra = decisionHeaders(await worker.chat({ model: "extra", max_tokens: 10 }));
  assert.ok(Math.abs(Number(extra.cost) - 0.0004) < 1e-9, extra.cost);
  there.does(openai({ usage: null }));
  assert.equal((await worker.chat({ model: strong })).status, 200);
});

test("a stream's bytes are the upstream's, and are passed on at once", async () => {
  const bytes = Buffer.from(
    'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\ndata: {"choices":[{"delta":{"content":"日本 🚀 é"}}]}\n\n: a comment\r\n\r\ndata: [DONE]\n\n',
  );
  const first = deferred();
  there.does(async (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    // Split inside a character. The rest is sent once the client has the first event.
    const cut = bytes.indexOf(Buffer.from("🚀")) + 2;
    response.write(bytes.subarray(0, cut));
    await first.promise;
    for (const byte of bytes.subarray(cut)) response.write(Buffer.from([byte]));
    response.end();
  });
  const response = await worker.chat({ stream: true });
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  assert.ok(BUNDLE.ids.includes(decisionHeaders(response).model));
  assert.equal(decisionHeaders(response).cost, undefined);
  const received = [];
  for await (const piece of response.body ?? []) {
    received.push(piece);
    first.resolve();
  }
  assert.ok(received.length > 1, "the stream came in one piece");
  assert.deepEqual(Buffer.concat(received), bytes);
});

test("the upstream's call is cancelled when the client disconnects", async () => {
  const gone = deferred();
  there.does(endless("data: {}\n\n", gone.resolve));
  const client = new AbortController();
  const response = await fetch(new URL("v1/chat/completions", worker.url), {
    method: "POST",
    signal: client.signal,
    body: JSON.stringify({ model: "auto", stream: true, messages: [{ role: "user", content: "Hello" }] }),
  });
  await response.body?.getReader().read();
  client.abort();
  await gone.promise;
});

test("compressed answers reach the client decompressed", async () => {
  there.does((_, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
    response.end(gzipSync('{"choices": ["packed"]}'));
  });
  assert.deepEqual(await (await worker.chat()).json(), { choices: ["packed"] });
});

test("configured headers are sent to the upstream, and its rate-limit headers are passed on", async () => {
  there.does(
    status(
      200,
      { "x-ratelimit-remaining-tokens": "7", "set-cookie": "session=1", "openai-processing-ms": "3" },
      '{"choices": []}',
    ),
  );
  const response = await worker.chat({ model: "extra" });
  assert.equal(there.requests[0].headers["x-tenant"], "seven");
  assert.equal(response.headers.get("x-ratelimit-remaining-tokens"), "7");
  assert.equal(response.headers.get("set-cookie"), null);
});
