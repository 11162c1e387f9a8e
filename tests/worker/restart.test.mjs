// After a trap the requests and the streams in flight get an error and the Worker restarts.

import assert from "node:assert/strict";
import { test } from "node:test";

import { RESERVATION_LIFE } from "../../worker/js/ledger-state.mjs";
import { alone, BUNDLE, drained, errorOf, eventsIn, gateway, ledgerOf } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { chunk, openai } from "./openai-stand-in.mjs";
import { deferred, endless, pausing, upstream } from "./stand-ins.mjs";

const main = "../../tests/worker/restart.mjs";

test("a trap at the start of a request is answered with an error, and the next request is served", async (t) => {
  const worker = await gateway({ main });
  t.after(() => worker.close());
  const before = await (await worker.post("v1/route", { query: "Hello" })).json();
  await worker.send("POST", "ruin", "");
  const error = await errorOf(await worker.post("v1/route", { query: "Hello" }));
  assert.deepEqual([error.status, error.code], [500, "gateway_stopped"]);
  const after = await worker.post("v1/route", { query: "Hello" });
  assert.equal(after.status, 200);
  assert.deepEqual(await after.json(), before);
});

test("a trap in the middle of a request is answered with an error, and the next request is served", async (t) => {
  const asked = deferred();
  const held = deferred();
  const there = await upstream(async (...call) => {
    asked.resolve();
    await held.promise;
    openai()(...call);
  });
  const worker = await gateway({ upstream: there, main });
  t.after(async () => {
    await worker.close();
    await there.close();
  });
  const first = worker.chat();
  await asked.promise;
  await worker.send("POST", "ruin", "");
  held.resolve();
  const error = await errorOf(await first);
  assert.deepEqual([error.status, error.code], [500, "gateway_stopped"]);
  const second = await worker.chat();
  assert.equal(second.status, 200);
  assert.ok(BUNDLE.ids.includes(second.headers.get("x-pointsman-model") ?? ""));
});

const messages = [{ role: "user", content: "Hi" }];
/** @type {[path: string, body: object, error: (event: any) => unknown[]][]} */
const STREAMS = [
  ["v1/chat/completions", { messages }, ({ error }) => [error.type, error.code]],
  ["v1/responses", { input: "Hi" }, (event) => [event.type, event.code]],
  ["v1/messages", { messages, max_tokens: 9 }, ({ type, error }) => [type, error.type]],
  ["messages/", { messages, max_tokens: 9 }, ({ type, error }) => [type, error.type]],
];
const EXPECTED = [
  ["server_error", "gateway_stopped"],
  ["error", "gateway_stopped"],
  ["error", "api_error"],
  ["error", "api_error"],
];

test("a trap ends the streams of other requests with an error event, and aborts their upstream calls", async (t) => {
  const there = await upstream();
  t.after(() => there.close());
  const worker = await alone(t, { upstream: there, main });
  // The upstreams send no more, so that only the trap can end these streams and calls.
  const gone = STREAMS.map(() => deferred("the end of an upstream's connection"));
  there.does((request, response, _, number) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(
      request.url.endsWith("responses")
        ? 'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "delta": "Half"}\n\n'
        : chunk({ role: "assistant", content: "Half" }),
    );
    response.on("close", gone[number].resolve);
  });
  const responses = [];
  for (const [path, body] of STREAMS) responses.push(await worker.post(path, { model: "auto", stream: true, ...body }));
  const bodies = responses.map((response) => drained(response));
  await worker.send("POST", "ruin", "");
  const error = await errorOf(await worker.post("v1/route", { query: "Hello" }));
  assert.deepEqual([error.status, error.code], [500, "gateway_stopped"]);
  const texts = await Promise.all(bodies);
  for (const [index, { text }] of texts.entries()) {
    const [path, , read] = STREAMS[index];
    assert.match(text, /Half/, path);
    assert.deepEqual(read(eventsIn(text).at(-1)), EXPECTED[index], path);
    assert.ok(!/\[DONE\]|message_stop/.test(text), path);
  }
  await Promise.all(gone.map(({ promise }) => promise));
  there.does(openai());
  const again = await worker.chat({ stream: true });
  assert.match((await drained(again)).text, /\[DONE\]/);
});

test("after a trap a stream that its client has not read yet ends with the error event too", async (t) => {
  const there = await upstream();
  t.after(() => there.close());
  const worker = await alone(t, { upstream: there, main });
  const gone = deferred("the end of the upstream's connection");
  there.does(endless(chunk({ content: "more ".repeat(1000) }), gone.resolve));
  const response = await worker.chat({ stream: true });
  await new Promise((next) => setTimeout(next, 300));
  await worker.send("POST", "ruin", "");
  await worker.post("v1/route", { query: "Hello" });
  await gone.promise;
  const { text } = await drained(response);
  assert.equal(eventsIn(text).at(-1).error.code, "gateway_stopped");
});

test("after a trap the error event does not continue an event that has been sent in part", async (t) => {
  const there = await upstream();
  t.after(() => there.close());
  const worker = await alone(t, { upstream: there, main });
  there.does(pausing([chunk({ content: "Half" }), 'data: {"choices": [{"del']));
  const response = await worker.chat({ stream: true });
  const body = drained(response);
  await new Promise((next) => setTimeout(next, 300));
  await worker.send("POST", "ruin", "");
  await worker.post("v1/route", { query: "Hello" });
  assert.equal(eventsIn((await body).text).at(-1).error.code, "gateway_stopped");
});

test("requests in flight of Anthropic's API get an error of its shape", async (t) => {
  const asked = deferred();
  const there = await upstream((_request, _response, _body, number) => {
    if (number === 2) asked.resolve();
  });
  t.after(() => there.close());
  const worker = await alone(t, { upstream: there, main });
  const sent = ["v1/messages", "anthropic/v1/messages", "v1/v1/messages/"].map((path) =>
    worker.post(path, { model: "auto", max_tokens: 9, messages }),
  );
  await asked.promise;
  await worker.send("POST", "ruin", "");
  await worker.post("v1/route", { query: "Hello" });
  for (const answer of await Promise.all(sent)) {
    const { type, error } = await answer.json();
    assert.deepEqual([answer.status, type, error.type], [500, "error", "api_error"]);
  }
});

test("a request that a trap ended costs its reservation", async (t) => {
  const there = await upstream();
  t.after(() => there.close());
  const who = key("spender", { budget: { usd: 5, period: "month" } });
  const worker = await alone(t, { upstream: there, main, keys: [who.entry], ledger: true });
  there.does(endless(chunk({ content: "more " })));
  const stream = worker.chat({ model: BUNDLE.strong, stream: true }, bearer(who));
  const body = drained(await stream);
  await worker.send("POST", "ruin", "");
  await worker.post("v1/route", { query: "Hello" }, bearer(who));
  await body;
  const ledger = await ledgerOf(worker, "budget:spender");
  const terms = { limit: 5, period: /** @type {const} */ ("month") };
  const { spent, reserved } = await ledger.spent({ ...terms, now: Date.now() });
  assert.ok(spent === 0 && reserved > 0, `${spent}, ${reserved}`);
  const later = await ledger.spent({ ...terms, now: Date.now() + RESERVATION_LIFE + 1000 });
  assert.deepEqual([await later.spent, await later.reserved], [reserved, 0]);
});
