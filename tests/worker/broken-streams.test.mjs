// Streams that break off after they have begun, and clients that disconnect. The gateway fails the body
// after its last event, but workerd behind miniflare ends the client's body normally; so the tests look
// at the error event and the missing [DONE].

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { alone, BUNDLE, chatBody, decisionHeaders, drained, eventsIn, gateway } from "./gateway.mjs";
import { chunk, event, openai } from "./openai-stand-in.mjs";
import { breaking, deferred, endless, pausing, pieces, text, upstream } from "./stand-ins.mjs";

const there = await upstream();
const worker = await gateway({
  upstream: there,
  gateway: {
    retries: { most: 2, baseMs: 1 },
    breaker: { failures: 1000 },
    timeouts: { headersMs: 5000, firstByteMs: 5000, idleMs: 150 },
  },
});
after(async () => {
  await worker.close();
  await there.close();
});

const begun = [chunk({ role: "assistant", content: "" }), chunk({ content: "Half an " })];

/** @type {[what: string, answer: import("./stand-ins.mjs").Answer, code?: string][]} */
const BROKEN = [
  ["breaks off", breaking(begun)],
  ["breaks off inside an event", breaking([...begun, 'data: {"choices": [{"del'])],
  ["breaks off inside a character", breaking([...begun, Buffer.from('data: {"x": "日').subarray(0, -1)])],
  ["stops sending", pausing(begun), "upstream_timeout"],
];

for (const [what, answer, code = "upstream_broke_off"] of BROKEN) {
  test(`a stream that ${what} ends with an error event and without [DONE]`, async () => {
    there.does(answer);
    const response = await worker.chat({ stream: true });
    assert.equal(response.status, 200);
    const { text: came } = await drained(response);
    const events = eventsIn(came);
    assert.equal(events[1].choices[0].delta.content, "Half an ");
    const { error } = events.at(-1);
    assert.deepEqual([error.code, typeof error.message, typeof error.type], [code, "string", "string"]);
    assert.ok(!came.includes("[DONE]"));
    assert.equal(there.requests.length, 1, "no retry once bytes have gone to the client");
    assert.equal((await worker.get("healthz")).status, 200);
  });
}

test("on /v1/messages the error event has Anthropic's shape", async () => {
  there.does(breaking(begun));
  const response = await worker.post("v1/messages", {
    model: "auto",
    max_tokens: 9,
    stream: true,
    messages: [{ role: "user", content: "Hi" }],
  });
  const { text } = await drained(response);
  assert.match(text, /event: error\ndata: /);
  const last = eventsIn(text).at(-1);
  assert.deepEqual([last.type, typeof last.error.type, typeof last.error.message], ["error", "string", "string"]);
  assert.ok(!text.includes("message_stop"));
});

test("an upstream's error event in the middle of a stream is passed on", async () => {
  there.does(pieces([...begun, event({ error: { message: "out of memory", type: "server_error", code: null } })]));
  const { text } = await drained(await worker.chat({ stream: true }));
  assert.match(text, /out of memory/);
  assert.ok(!text.includes("[DONE]"));
});

test("garbage between events is passed on unchanged, and the stream ends normally", async () => {
  const garbage = [...begun, "nonsense without a colon\n\n", "data: {broken json\n\n", ":\n\n", event("[DONE]")];
  there.does(pieces(garbage));
  const { text, whole } = await drained(await worker.chat({ stream: true }));
  assert.deepEqual([text, whole], [garbage.join(""), true]);
});

test("characters split between chunks reach the client intact", async () => {
  const bytes = Buffer.from(`${begun[0]}${chunk({ content: "日本 🚀 é" })}${event("[DONE]")}`);
  there.does(pieces([...bytes].map((byte) => Buffer.from([byte]))));
  const { text, whole } = await drained(await worker.chat({ stream: true }));
  assert.deepEqual([text, whole], [bytes.toString("utf8"), true]);
});

// workerd reports a client's disconnection to the Worker at the Worker's next write.
test("a client that disconnects during a stream cancels the upstream's call at its next event", async () => {
  /** @type {[path: string, body: object][]} */
  const paths = [
    ["v1/chat/completions", chatBody({ stream: true })],
    ["v1/messages", { model: "auto", max_tokens: 9, stream: true, messages: [{ role: "user", content: "Hi" }] }],
  ];
  for (const [path, body] of paths) {
    const gone = deferred();
    there.does(endless(begun[1], gone.resolve));
    const client = new AbortController();
    const answer = await fetch(new URL(path, worker.url), {
      method: "POST",
      signal: client.signal,
      body: JSON.stringify(body),
    });
    await answer.body?.getReader().read();
    client.abort();
    await gone.promise;
    assert.equal(there.requests.length, 1);
  }
});

test("a client that disconnects while a translated stream only pings cancels the upstream's call", async (t) => {
  const one = await alone(t, { upstreams: { claude: { api: "anthropic", baseUrl: there.url } } });
  const gone = deferred();
  const message = { id: "msg_1", model: "claude", role: "assistant", content: [], usage: { input_tokens: 1 } };
  const start = event({ type: "message_start", message }, "message_start");
  const pings = endless(event({ type: "ping" }, "ping"), gone.resolve);
  there.does((request, response, body, number) => {
    pings(request, response, body, number);
    response.write(start);
  });
  const client = new AbortController();
  const answer = await fetch(new URL("v1/chat/completions", one.url), {
    method: "POST",
    signal: client.signal,
    body: JSON.stringify(chatBody({ model: "claude", stream: true })),
  });
  const { value } = (await answer.body?.getReader().read()) ?? {};
  assert.match(Buffer.from(value ?? []).toString(), /"role":"assistant"/);
  client.abort();
  await gone.promise;
});

test("comments that keep a connection alive are passed on, unless the stream ends with them", async () => {
  const comment = ": the upstream is thinking\n\n";
  there.does(pausing([comment]));
  const waiting = await worker.chat({ stream: true });
  const { text: came } = await drained(waiting);
  assert.deepEqual(
    [waiting.status, came.startsWith(comment), eventsIn(came).at(-1).error.code],
    [200, true, "upstream_timeout"],
  );
  there.does(text(comment, "text/event-stream"));
  const ended = await worker.chat({ stream: true });
  assert.deepEqual(
    [ended.status, decisionHeaders(ended).attempts, (await ended.json()).error.code],
    [502, "3", "upstream_bad_answer"],
  );
});

test("an endless stream is passed on as long as the client reads", async () => {
  const gone = deferred();
  there.does(endless(chunk({ content: "more " }), gone.resolve));
  const { body } = await worker.chat({ stream: true });
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes >= 1 << 16) break;
  }
  assert.ok(bytes >= 1 << 16, `${bytes} bytes`);
  await gone.promise;
});

test("a stream may pause for less than timeouts.idleMs", async () => {
  there.does(async (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const piece of [...begun, event("[DONE]")]) {
      response.write(piece);
      await new Promise((next) => setTimeout(next, 60));
    }
    response.end();
  });
  const response = await worker.chat({ stream: true });
  assert.ok(BUNDLE.ids.includes(decisionHeaders(response).model));
  assert.equal((await drained(response)).whole, true);
  there.does(openai());
  assert.equal((await worker.chat()).status, 200);
});
