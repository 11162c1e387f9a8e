// POST /v1/chat/completions against upstreams that behave: what they get, what the client gets.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { BUNDLE, completing, errorOf, gateway, upstream } from "./gateway.mjs";

const { strong, weak, kind } = BUNDLE;


// One Worker for all that its configuration does not change: starting one is the dearest step.
const there = await upstream();
const worker = await gateway({ upstream: there });
after(async () => {
  await worker.close();
  await there.close();
});

const decision = (response) => Object.fromEntries(
  ["model", "reason", "win-rate", "threshold"].map((name) => [name, response.headers.get(`x-switchyard-${name}`)]),
);

test("the decision is in the headers and the upstream gets its own model name", async () => {
  there.does(completing);
  const response = await worker.chat({}, { "x-switchyard-threshold": "0" });
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { id: "1", object: "chat.completion", choices: [] });
  const told = decision(response);
  assert.equal(told.model, strong);
  assert.equal(told.reason, "above_threshold");
  assert.equal(Number(told.threshold), 0);
  assert.ok(Number(told["win-rate"]) > 0 && Number(told["win-rate"]) < 1);
  assert.equal(there.requests[0].path, "/v1/chat/completions");
  assert.equal(JSON.parse(there.requests[0].body).model, `${strong}-there`);
});

test("header, model name and default state the policy", async () => {
  there.does(completing);
  const cases = [
    [{}, { "x-switchyard-strong-share": "1" }, strong, "above_threshold"],
    [{}, { "x-switchyard-strong-share": "0" }, weak, "below_threshold"],
    [{ model: `router-${kind}-0` }, {}, strong, "above_threshold"],
    [{ model: `router-${kind}-1` }, {}, weak, "below_threshold"],
    [{ model: weak }, {}, weak, "requested"],
    [{ model: strong }, { "x-switchyard-strong-share": "0" }, strong, "requested"],
  ];
  for (const [fields, headers, model, reason] of cases) {
    const response = await worker.chat(fields, headers);
    assert.equal(response.status, 200, await response.text());
    const told = decision(response);
    assert.deepEqual([told.model, told.reason], [model, reason]);
    if (reason === "requested") assert.deepEqual([told["win-rate"], told.threshold], [null, null]);
  }
  const routed = await (await worker.post("v1/route", { query: "Hello" })).json();
  assert.equal(decision(await worker.chat()).model, routed.model);
});

test("nothing of the body changes but the model", async () => {
  there.does(completing);
  const body = `{ "seed": 12345678901234567890123, "temperature": 1.10,
    "model" : "auto", "logit_bias": {"50256": -100}, "é": "\\u00e9\\ud83d\\ude80 ü",
    "tools": [{"type": "function", "function": {"name": "auto", "parameters": {"model": "auto"}}}],
    "messages": [{"role": "user", "content": "Hello", "unknown": [1.0, 1e2, null]}] , "model_": "auto"}`;
  const response = await worker.post("v1/chat/completions", body, { "x-switchyard-threshold": "1" });
  assert.equal(response.status, 200);
  assert.equal(there.requests[0].body, body.replace('"model" : "auto"', `"model" : "${weak}-there"`));
});

test("a candidate asked for by name is forwarded unread", async () => {
  there.does(completing);
  const body = `{"model": "${weak}", "messages": "for the upstream to refuse"}`;
  assert.equal((await worker.post("v1/chat/completions", body)).status, 200);
  assert.equal(there.requests[0].body, body.replace(`"${weak}"`, `"${weak}-there"`));
});

test("a stream's bytes are the upstream's, and come as they come", async () => {
  const text = 'data: {"choices":[{"delta":{"content":"日本 🚀 é"}}]}\n\n: a comment\r\n\r\ndata: [DONE]\n\n';
  const bytes = Buffer.from(text);
  let goOn;
  const first = new Promise((resolve) => { goOn = resolve; });
  there.does(async (request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    // In the middle of a character. The rest is held back until the client has this.
    const cut = bytes.indexOf(Buffer.from("🚀")) + 2;
    response.write(bytes.subarray(0, cut));
    await first;
    for (const byte of bytes.subarray(cut)) response.write(Buffer.from([byte]));
    response.end();
  });
  const response = await worker.chat({ stream: true });
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  assert.ok(BUNDLE.ids.includes(decision(response).model));
  const received = [];
  for await (const chunk of response.body) {
    received.push(chunk);
    goOn();
  }
  assert.ok(received.length > 1, "the stream came in one piece");
  assert.deepEqual(Buffer.concat(received), bytes);
});

test("a stream is given up upstream, at its next event, when the client goes away", async () => {
  let gone;
  const closed = new Promise((resolve) => { gone = resolve; });
  there.does((request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const events = setInterval(() => response.write("data: {}\n\n"), 10);
    response.on("close", () => {
      clearInterval(events);
      gone();
    });
  });
  const client = new AbortController();
  const response = await fetch(new URL("v1/chat/completions", worker.url), {
    method: "POST",
    signal: client.signal,
    body: JSON.stringify({ model: "auto", stream: true, messages: [{ role: "user", content: "Hello" }] }),
  });
  await response.body.getReader().read();
  client.abort();
  await closed;
});

test("compressed answers reach the client readable", async () => {
  const { gzipSync } = await import("node:zlib");
  there.does((request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
    response.end(gzipSync('{"choices": ["packed"]}'));
  });
  assert.deepEqual(await (await worker.chat()).json(), { choices: ["packed"] });
});

test("the upstream gets its own key, never the client's, and nobody hears it", async (t) => {
  there.does((request, response) => {
    response.writeHead(401, { "content-type": "application/json" });
    response.end('{"error": {"message": "bad key", "type": "x", "code": "y"}}');
  });
  const keyed = await gateway({
    upstreams: Object.fromEntries(BUNDLE.ids.map((id) => [id, { baseUrl: there.url, keySecret: "PROVIDER_KEY" }])),
    secrets: { PROVIDER_KEY: "sk-provider-secret" },
  });
  t.after(() => keyed.close());
  const response = await keyed.chat({}, { authorization: "Bearer client-key", cookie: "a=b", "x-request-id": "r-1" });
  const { headers } = there.requests[0];
  assert.equal(headers.authorization, "Bearer sk-provider-secret");
  assert.equal(headers.cookie, undefined);
  assert.equal(headers["x-request-id"], "r-1");
  assert.equal(response.status, 401);
  const heard = [await response.text(), ...[...response.headers].flat(), ...keyed.log].join("\n");
  assert.ok(!heard.includes("sk-provider-secret") && !heard.includes("client-key"));
});

test("a gateway with a key of its own refuses those without", async (t) => {
  there.does(completing);
  const locked = await gateway({ upstream: there, secrets: { GATEWAY_KEY: "let-me-in" } });
  t.after(() => locked.close());
  for (const headers of [{}, { authorization: "Bearer wrong" }, { authorization: "let-me-in" }, { authorization: "Bearer let-me-in " + "x" }]) {
    for (const response of [await locked.chat({}, headers), await locked.post("v1/route", { query: "x" }, headers), await locked.get("v1/models", headers)]) {
      const error = await errorOf(response);
      assert.deepEqual([error.status, error.code], [401, "invalid_api_key"]);
    }
  }
  assert.equal(there.requests.length, 0);
  assert.equal((await locked.get("healthz")).status, 200);
  assert.equal((await locked.chat({}, { authorization: "Bearer let-me-in" })).status, 200);
  assert.equal(there.requests[0].headers.authorization, undefined);
});
