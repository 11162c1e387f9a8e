// POST /v1/chat/completions when somebody misbehaves: upstreams, configurations, callers.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { TINY, bundleFiles } from "../hosts/paths.mjs";
import { BUNDLE, completing, errorOf, gateway, upstream } from "./gateway.mjs";

const { weak } = BUNDLE;

// One Worker for all that its configuration does not change: starting one is the dearest step.
const there = await upstream();
const worker = await gateway({ upstream: there });
after(async () => {
  await worker.close();
  await there.close();
});

async function alone(t, options) {
  const worker = await gateway(options);
  t.after(() => worker.close());
  return worker;
}

const refused = async (response, status, code) => {
  const error = await errorOf(await response);
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  return error;
};

test("an upstream's error is passed on as it is, with the decision", async () => {
  const answers = [
    [429, { "content-type": "application/json", "retry-after": "7", "x-ratelimit-remaining-tokens": "0" }, '{"error":{"message":"slow down","type":"rate_limit_error","code":null}}'],
    [400, { "content-type": "application/json" }, '{"error":{"message":"no such parameter"}}'],
    [503, { "content-type": "text/html" }, "<h1>Service unavailable</h1>"],
    [529, {}, ""],
  ];
  there.does((request, response, body) => {
    const [status, headers, text] = answers[JSON.parse(body).case];
    response.writeHead(status, { ...headers, "set-cookie": "session=1" }).end(text);
  });
  for (const [i, [status, headers, text]] of answers.entries()) {
    const response = await worker.chat({ case: i });
    assert.equal(response.status, status);
    assert.equal(await response.text(), text);
    for (const [name, value] of Object.entries(headers)) assert.equal(response.headers.get(name), value);
    assert.equal(response.headers.get("set-cookie"), null);
    assert.ok(BUNDLE.ids.includes(response.headers.get("x-switchyard-model")));
  }
});

test("an upstream that nobody listens at is 502", async (t) => {
  const gone = await upstream();
  await gone.close();
  const worker = await alone(t, { upstream: gone });
  const error = await refused(worker.chat(), 502, "upstream_unreachable");
  assert.equal(error.type, "upstream_error");
});

test("an upstream that hangs up before it answers is 502", async () => {
  there.does((request) => request.socket.destroy());
  await refused(worker.chat(), 502, "upstream_unreachable");
  await refused(worker.chat({ stream: true }), 502, "upstream_unreachable");
});

test("an upstream that speaks no HTTP is 502", async () => {
  there.does((request) => request.socket.end("SSH-2.0-nothing here\r\n"));
  await refused(worker.chat(), 502, "upstream_unreachable");
});

test("a redirect is not followed: the key would go with it", async (t) => {
  const elsewhere = await upstream(completing);
  t.after(() => elsewhere.close());
  there.does((request, response) => {
    response.writeHead(307, { location: `${elsewhere.url}/chat/completions` }).end();
  });
  await refused(worker.chat(), 502, "upstream_bad_status");
  assert.equal(elsewhere.requests.length, 0);
});

// workerd ends the client's stream in good order too, so the missing [DONE] is what tells.
test("a stream that breaks off is not made whole", async () => {
  there.does((request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: {}\n\n", () => setImmediate(() => response.destroy()));
  });
  const response = await worker.chat({ stream: true });
  assert.equal(response.status, 200);
  const received = [];
  try {
    for await (const chunk of response.body) received.push(chunk);
  } catch (error) {
    assert.ok(error instanceof TypeError, String(error));
  }
  assert.equal(Buffer.concat(received).toString("utf8"), "data: {}\n\n");
  assert.equal((await worker.get("healthz")).status, 200);
});

test("callers' mistakes are 4xx and never reach an upstream", async () => {
  there.does(completing);
  const user = (content) => ({ messages: [{ role: "user", content }] });
  const cases = [
    [{ model: undefined }, {}, 400, "model_missing"],
    [{ model: "gpt-unknown" }, {}, 404, "model_not_found"],
    [{ model: "router-other-0.5" }, {}, 404, "model_not_found"],
    [{ model: `router-${BUNDLE.kind}-half` }, {}, 400, "model_threshold"],
    [{ model: `router-${BUNDLE.kind}-1.5` }, {}, 400, "policy_out_of_range"],
    [{}, { "x-switchyard-threshold": "much" }, 400, "header_not_a_number"],
    [{}, { "x-switchyard-strong-share": "2" }, 400, "policy_out_of_range"],
    [{}, { "x-switchyard-strong-share": "0.5", "x-switchyard-threshold": "0.5" }, 400, "policy_contradiction"],
    [{ messages: undefined }, {}, 400, "body_not_json"],
    [{ messages: [] }, {}, 400, "messages_without_text"],
    [{ messages: [{ role: "system", content: "x" }] }, {}, 400, "messages_without_text"],
    [user(""), {}, 400, "messages_without_text"],
    [user("\ud800"), {}, 400, "query_ill_formed"],
    [user("a\0"), {}, 400, "query_ill_formed"],
  ];
  for (const [fields, headers, status, code] of cases) {
    await refused(worker.chat(fields, headers), status, code);
  }
  for (const body of ["", "nonsense", "[]", '"text"', '{"model": "auto"']) {
    await refused(worker.post("v1/chat/completions", body), 400, "body_not_json");
  }
  assert.equal(there.requests.length, 0);
});

test("a missing key names its secret", async (t) => {
  const worker = await alone(t, {
    upstreams: Object.fromEntries(BUNDLE.ids.map((id) => [id, { baseUrl: "http://127.0.0.1:9/v1", keySecret: "ABSENT_KEY" }])),
  });
  const error = await refused(worker.chat(), 500, "upstream_key_missing");
  assert.match(error.message, /ABSENT_KEY/);
});

test("a wrong configuration is said, and leaves /v1/route alone", async (t) => {
  const upstreams = { [weak]: { baseUrl: "http://me:hunter2@127.0.0.1:9" } };
  const worker = await alone(t, { upstreams });
  const error = await refused(worker.chat(), 500, "config_invalid");
  assert.match(error.message, /keySecret/);
  assert.doesNotMatch(error.message, /hunter2/);
  assert.equal((await worker.post("v1/route", { query: "x" })).status, 200);
});

test("the configuration may be JSON text as well as an object", async (t) => {
  there.does(completing);
  const upstreams = Object.fromEntries(BUNDLE.ids.map((id) => [id, { baseUrl: there.url }]));
  const worker = await alone(t, { upstreams: JSON.stringify(upstreams) });
  assert.equal((await worker.chat({ model: weak })).status, 200);
  assert.equal(JSON.parse(there.requests[0].body).model, weak);
});

test("a broken bundle is 500 with the engine's code", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-broken-"));
  t.after(() => rm(folder, { recursive: true }));
  const files = bundleFiles(TINY);
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  const flipped = Uint8Array.from(files["model.onnx"]);
  flipped[flipped.length >> 1] ^= 1;
  await writeFile(join(folder, "model.onnx"), flipped);
  const worker = await alone(t, { bundle: folder });
  await refused(worker.get("healthz"), 500, "bundle_wrong_hash");
  await refused(worker.post("v1/route", { query: "x" }), 500, "bundle_wrong_hash");
});

test("no bundle at all is 500 and names the file", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-empty-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "readme.txt"), "no bundle");
  const worker = await alone(t, { bundle: folder });
  const error = await refused(worker.get("healthz"), 500, "bundle_unreadable");
  assert.match(error.message, /router\.json/);
});
