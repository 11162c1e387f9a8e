// Upstreams that fail before an answer has begun: retries, fallbacks, errors. broken-streams.test.mjs
// tests streams that break off, breaker.test.mjs the circuit breaker.

/** @import { Answer } from "./stand-ins.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { alone, BUNDLE, decisionHeaders, errorOf, everyCandidateAt, gateway, refused } from "./gateway.mjs";
import { chunk, event, openai } from "./openai-stand-in.mjs";
import {
  breaking,
  deferred,
  errorIn200,
  hangUp,
  html,
  inTurn,
  noBody,
  pausing,
  silence,
  status,
  text,
  upstream,
} from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
/** Short waits, and circuits that never open. */
const settings = {
  retries: { most: 2, baseMs: 1, longestMs: 40 },
  breaker: { failures: 1000 },
  timeouts: { headersMs: 150, firstByteMs: 150, idleMs: 150 },
};

const there = await upstream();
const other = await upstream();
const upstreams = {
  ...everyCandidateAt(there, {}, { [strong]: { fallbacks: ["second", "third"] } }),
  second: { baseUrl: other.url, model: "second-there" },
  third: { baseUrl: other.url, model: "third-there" },
};
const worker = await gateway({ upstreams, gateway: settings });
after(async () => {
  await worker.close();
  await Promise.all([there.close(), other.close()]);
});

const good = openai({ text: "Answered." });
const both = [{ stream: false }, { stream: true }];

/**
 * One request to a model without fallbacks.
 * @param {Answer} answer
 * @param {object} fields
 */
async function ask(answer, fields = {}) {
  there.does(answer);
  const response = await worker.chat({ model: weak, ...fields });
  return { response, attempts: Number(decisionHeaders(response).attempts), calls: there.requests.length };
}

for (const code of [408, 409, 425, 429, 500, 502, 503, 504, 529]) {
  test(`${code} is retried, and the attempts are counted`, async () => {
    for (const fields of both) {
      const { response, attempts, calls } = await ask(inTurn(status(code), status(code), good), fields);
      assert.deepEqual([response.status, attempts, calls], [200, 3, 3]);
      assert.match(await response.text(), /Answered/);
    }
  });
}

test("after the last retry the upstream's own error is passed on with its status", async () => {
  for (const fields of both) {
    const { response, attempts, calls } = await ask(status(503), fields);
    assert.deepEqual([response.status, attempts, calls], [503, 3, 3]);
    assert.equal((await errorOf(response)).code, "stand_in_503");
  }
});

test("an upstream error that is not JSON becomes a JSON error with its status", async () => {
  /** @type {[code: number, body: string, type: string][]} */
  const answers = [
    [503, "<h1>Unavailable</h1>", "text/html"],
    [529, "", "text/plain"],
    [500, "{", "application/json"],
  ];
  for (const [code, body, type] of answers) {
    const { response } = await ask(status(code, { "content-type": type }, body));
    assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
    assert.deepEqual([response.status, (await errorOf(response)).code], [code, "upstream_error"]);
  }
});

for (const code of [400, 413, 422]) {
  test(`${code} is the caller's fault: passed on unchanged, without a retry`, async () => {
    for (const fields of both) {
      const { response, calls, attempts } = await ask(status(code, { "x-ratelimit-remaining-tokens": "7" }), fields);
      assert.deepEqual([response.status, calls, attempts], [code, 1, 1]);
      assert.equal(response.headers.get("x-ratelimit-remaining-tokens"), "7");
      assert.equal((await errorOf(response)).code, `stand_in_${code}`);
    }
  });
}

test("the caller's fault is not sent to the fallback", async () => {
  there.does(status(422));
  other.does(good);
  assert.equal((await worker.chat({ model: strong })).status, 422);
  assert.equal(other.requests.length, 0);
});

for (const code of [401, 402, 403, 404, 407]) {
  test(`${code} goes to the fallback at once; without one a refusal of the gateway's key is a 502`, async () => {
    there.does(status(code));
    other.does(good);
    const response = await worker.chat({ model: strong });
    const { model, attempts } = decisionHeaders(response);
    assert.deepEqual([response.status, model, attempts, there.requests.length], [200, "second", "2", 1]);
    const last = await ask(status(code));
    const error = await errorOf(last.response);
    const expected = code === 404 ? [404, 1, "stand_in_404"] : [502, 1, "upstream_refused"];
    assert.deepEqual([last.response.status, last.calls, error.code], expected);
    assert.ok(code === 404 || !error.message.includes("stand-in"), error.message);
  });
}

test("fallbacks are called in order, each with its retries", async () => {
  there.does(status(500));
  other.does((request, response, body, number) =>
    (JSON.parse(body).model === "third-there" ? good : status(502))(request, response, body, number),
  );
  for (const fields of both) {
    there.requests.length = 0;
    other.requests.length = 0;
    const response = await worker.chat({ model: strong, ...fields });
    const { model, attempts } = decisionHeaders(response);
    assert.deepEqual([response.status, model, attempts], [200, "third", "7"]);
    assert.equal(there.requests.length, 3);
    assert.deepEqual(
      other.requests.map(({ json }) => json.model),
      [...Array(3).fill("second-there"), "third-there"],
    );
  }
});

test("if all fail, the last one's error is passed on", async () => {
  there.does(status(500));
  other.does(status(503));
  const response = await worker.chat({ model: strong });
  assert.deepEqual(
    [response.status, decisionHeaders(response).model, decisionHeaders(response).attempts],
    [503, "third", "9"],
  );
});

test("a retry-after in seconds or milliseconds is waited for, and one with a date in the past is not", async (t) => {
  const patient = await alone(t, { upstreams, gateway: { retries: { most: 1, baseMs: 1, longestMs: 1500 } } });
  /** @type {[headers: Record<string, string>, least: number][]} */
  const waits = [
    [{ "retry-after-ms": "80" }, 75],
    [{ "retry-after": "1" }, 950],
    [{ "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" }, 0],
  ];
  for (const [headers, least] of waits) {
    there.does(inTurn(status(429, headers), good));
    assert.equal((await patient.chat({ model: weak })).status, 200);
    const [first, second] = there.requests;
    assert.ok(second.at - first.at >= least, `${JSON.stringify(headers)}: ${second.at - first.at} ms`);
  }
});

test("a retry-after longer than the longest wait goes to the fallback at once", async () => {
  there.does(status(429, { "retry-after": "60" }));
  other.does(good);
  const response = await worker.chat({ model: strong });
  assert.deepEqual(
    [decisionHeaders(response).model, decisionHeaders(response).attempts, there.requests.length],
    ["second", "2", 1],
  );
  const without = await ask(status(429, { "retry-after": "60" }));
  assert.deepEqual(
    [without.response.status, without.calls, without.response.headers.get("retry-after")],
    [429, 1, "60"],
  );
});

test("a retry-after with a date is read by the answer's own date", async (t) => {
  const patient = await alone(t, { upstreams, gateway: { retries: { most: 1, baseMs: 1, longestMs: 1500 } } });
  const date = "Wed, 21 Oct 2015 07:28:00 GMT";
  there.does(inTurn(status(429, { date, "retry-after": "Wed, 21 Oct 2015 07:28:01 GMT" }), good));
  assert.equal((await patient.chat({ model: weak })).status, 200);
  const [first, second] = there.requests;
  assert.ok(second.at - first.at >= 950, `${second.at - first.at} ms`);
  other.does(good);
  there.does(status(429, { date, "retry-after": "Wed, 21 Oct 2015 07:38:00 GMT" }));
  const { headers } = await patient.chat({ model: strong });
  assert.deepEqual([headers.get("x-pointsman-model"), there.requests.length], ["second", 1]);
});

test("a connection that breaks or is refused is retried, then gives 502", async (t) => {
  for (const fields of both) {
    const again = await ask(inTurn(hangUp, good), fields);
    assert.deepEqual([again.response.status, again.attempts], [200, 2]);
    const never = await ask(hangUp, fields);
    assert.deepEqual([never.attempts, never.calls], [3, 3]);
    assert.equal((await refused(never.response, 502, "upstream_unreachable")).type, "upstream_error");
  }
  const gone = await upstream();
  await gone.close();
  const lonely = await alone(t, { upstream: gone, gateway: settings });
  await refused(lonely.chat(), 502, "upstream_unreachable");
});

test("an upstream that does not speak HTTP gives 502", async () => {
  const { response } = await ask((request) => request.socket.end("SSH-2.0-nothing here\r\n"));
  await refused(response, 502, "upstream_unreachable");
});

test("headers, a first byte or a next byte that exceed their time limit are not asked for again: the fallback answers, or 504", async () => {
  const half = '{"id": "1", "choices": [';
  /** @type {[stuck: Answer, fields: object][]} */
  const cases = [
    [silence, {}],
    [noBody(), {}],
    [pausing([half], "application/json"), {}],
    [silence, { stream: true }],
    [noBody("text/event-stream"), { stream: true }],
  ];
  for (const [stuck, fields] of cases) {
    there.does(stuck);
    other.does(good);
    const { status, headers } = await worker.chat({ model: strong, ...fields });
    assert.deepEqual([status, headers.get("x-pointsman-model"), there.requests.length], [200, "second", 1]);
    const never = await ask(stuck, fields);
    assert.equal(never.calls, 1);
    await refused(never.response, 504, "upstream_timeout");
  }
});

test("a call that times out is cancelled at the upstream", async () => {
  const gone = deferred();
  there.does((request) => request.socket.on("close", () => gone.resolve()));
  other.does(good);
  assert.equal((await worker.chat({ model: strong })).status, 200);
  await gone.promise;
});

test("a 200 with an error, without JSON or with incomplete JSON is handled as a 502", async () => {
  /** @type {[bad: Answer, code?: string][]} */
  const answers = [
    [html, "upstream_bad_answer"],
    [text("[1, 2"), "upstream_bad_answer"],
    [text(""), "upstream_bad_answer"],
    [breaking(['{"choices": ['], "application/json")],
  ];
  for (const [bad, code] of answers) {
    const again = await ask(inTurn(bad, good));
    assert.deepEqual([again.response.status, again.attempts], [200, 2]);
    const { response } = await ask(bad);
    if (code) await refused(response, 502, code);
    else assert.equal((await errorOf(response)).status, 502);
  }
  const { response, calls } = await ask(errorIn200);
  assert.deepEqual([response.status, calls], [502, 3]);
  assert.match(await response.text(), /overloaded, says the stand-in/);
});

test("a stream that begins with an error, or ends before any event, is handled as a 502", async () => {
  const error = event({ error: { message: "overloaded, says the stand-in", type: "server_error", code: null } });
  const bad = [text(error, "text/event-stream"), text("", "text/event-stream"), html, errorIn200];
  for (const one of bad) {
    const again = await ask(inTurn(one, good), { stream: true });
    assert.deepEqual([again.response.status, again.attempts], [200, 2]);
    const { response, calls } = await ask(one, { stream: true });
    assert.deepEqual([response.status, calls], [502, 3]);
    assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
    assert.ok(JSON.parse(await response.text()).error.message);
  }
});

test("a first event may arrive in pieces, after comments", async () => {
  const first = chunk({ content: "Hé" });
  const bytes = Buffer.from(`: waiting\n\n${first}data: [DONE]\n\n`);
  const cut = bytes.indexOf(0xa9);
  const { response, attempts } = await ask(
    async (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(bytes.subarray(0, cut));
      await new Promise((next) => setTimeout(next, 20));
      response.end(bytes.subarray(cut));
    },
    { stream: true },
  );
  assert.deepEqual([response.status, attempts], [200, 1]);
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes);
});

test("a redirect is not followed, since the key would be sent with it", async (t) => {
  const elsewhere = await upstream();
  t.after(() => elsewhere.close());
  const { response } = await ask((_, response) =>
    response.writeHead(307, { location: `${elsewhere.url}/chat/completions` }).end(),
  );
  await refused(response, 502, "upstream_bad_status");
  assert.equal(elsewhere.requests.length, 0);
});
