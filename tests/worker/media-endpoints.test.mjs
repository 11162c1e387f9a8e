// Audio, images, moderations and rerankings: passed on to a named model, as JSON or as a form, and answered with
// the upstream's bytes.

/** @import { Answer } from "./stand-ins.mjs" */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";

import OpenAI from "openai";

import { alone, BUNDLE, decisionHeaders, drained, errorOf, gateway, HURRIED, refused } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { breaking, deferred, endless, inTurn, noBody, pausing, status, text, until, upstream } from "./stand-ins.mjs";

const all = key("all");
const only = key("only", { models: ["auto", "ears"] });
const spender = key("spender", { budget: { usd: 5, period: "month" } });

const there = await upstream();
const other = await upstream();
const upstreams = {
  voice: { baseUrl: there.url, model: "voice-there", keySecret: "VOICE_KEY" },
  ears: { baseUrl: there.url, model: "ears-there", fallbacks: ["ears-2", "claude"], refuse: ["temperature"] },
  "ears-2": { baseUrl: other.url },
  free: { baseUrl: there.url, inputPrice: 0, outputPrice: 0, fallbacks: ["voice"] },
  own: { baseUrl: there.url, callerKey: "mine" },
  claude: { api: "anthropic", baseUrl: there.url },
  edge: { api: "workers-ai" },
};
const worker = await gateway({
  upstreams,
  keys: [all, only, spender].map(({ entry }) => entry),
  secrets: { VOICE_KEY: "sk-voice-secret" },
  ledger: true,
  gateway: { retries: { ...HURRIED.retries, most: 1 }, maxBodyBytes: 4 << 20, aliases: { "tts-*": "voice" } },
});
after(async () => {
  await worker.close();
  await Promise.all([there.close(), other.close()]);
});

const client = new OpenAI({ apiKey: all.text, baseURL: new URL("v1", worker.url).href, maxRetries: 0 });
const AUDIO = randomBytes(300_000);
/** Answers with the audio in pieces. @type {Answer} */
const audio = async (_, response) => {
  response.writeHead(200, { "content-type": "audio/mpeg", "set-cookie": "a=b" });
  for (let at = 0; at < AUDIO.length; at += 70_000) response.write(AUDIO.subarray(at, at + 70_000));
  response.end();
};
const JSON_ENDPOINTS = ["audio/speech", "images/generations", "images/edits", "moderations", "rerank"];
const FORM_ENDPOINTS = ["audio/transcriptions", "audio/translations", "images/edits", "images/variations"];

/** Parts of a form in the stand-in's record. @param {{body: string, headers: any}} sent */
const formOf = async ({ body, headers }) =>
  new Response(Buffer.from(body, "utf8"), { headers: { "content-type": headers["content-type"] } }).formData();

const SMALL_FILE = new File(["RIFF small"], "voice é.wav", { type: "audio/wav" });

/** @param {string} path @param {Record<string, string | Blob>} fields @param {Record<string, string>} headers */
async function postForm(path, fields, headers = bearer(all)) {
  const response = new Response(await encoded(fields));
  const body = Buffer.from(await response.arrayBuffer());
  return worker.send("POST", path, body, { ...headers, "content-type": BOUNDARY_TYPE });
}
const BOUNDARY_TYPE = "multipart/form-data; boundary=xyzzy";
/** @param {Record<string, string | Blob>} fields */
async function encoded(fields) {
  const parts = [];
  for (const [name, value] of Object.entries(fields)) {
    const file = typeof value === "string" ? "" : `; filename="${/** @type {File} */ (value).name}"`;
    const type = typeof value === "string" ? "" : `content-type: ${value.type}\r\n`;
    parts.push(`--xyzzy\r\ncontent-disposition: form-data; name="${name}"${file}\r\n${type}\r\n`, value, "\r\n");
  }
  return new Blob([...parts, "--xyzzy--\r\n"]);
}

test("OpenAI's library speaks, transcribes, draws and moderates", async () => {
  there.does(audio);
  const speech = await client.audio.speech.create({ model: "voice", voice: "alloy", input: "Hello" });
  assert.ok(Buffer.from(await speech.arrayBuffer()).equals(AUDIO));
  assert.equal(speech.headers.get("content-type"), "audio/mpeg");
  assert.deepEqual(there.last().json, { model: "voice-there", voice: "alloy", input: "Hello" });
  assert.equal(there.last().headers.authorization, "Bearer sk-voice-secret");

  there.does(text('{"text": "Hello."}'));
  const heard = await client.audio.transcriptions.create({
    model: "ears",
    file: SMALL_FILE,
    timestamp_granularities: ["word", "segment"],
  });
  assert.equal(heard.text, "Hello.");
  const sent = await formOf(there.last());
  assert.equal(there.last().path, "/v1/audio/transcriptions");
  assert.equal(sent.get("model"), "ears-there");
  assert.deepEqual(sent.getAll("timestamp_granularities[]"), ["word", "segment"]);
  const file = /** @type {File} */ (sent.get("file"));
  assert.deepEqual([file.name, file.type, await file.text()], ["voice é.wav", "audio/wav", "RIFF small"]);

  there.does(text('{"created": 1, "data": [{"b64_json": "AAAA"}]}'));
  const picture = await client.images.generate({ model: "voice", prompt: "A pine" });
  assert.equal(picture.data?.[0].b64_json, "AAAA");
  const edited = await client.images.edit({ model: "voice", prompt: "Snow", image: [SMALL_FILE, SMALL_FILE] });
  assert.equal(edited.data?.length, 1);
  assert.equal((await formOf(there.last())).getAll("image[]").length, 2);

  there.does(text('{"id": "m", "model": "x", "results": [{"flagged": false}]}'));
  const judged = await client.moderations.create({ model: "voice", input: "Hello" });
  assert.equal(judged.results[0].flagged, false);
});

test("every endpoint passes on its fields as they are, with another model", async () => {
  there.does(text('{"ok": true}'));
  const body = `{"input": "x", "big": 12345678901234567890, "z": {"b": 1, "a": [1.0]}, "model": "tts-1", "a": null}`;
  for (const path of JSON_ENDPOINTS) {
    const response = await worker.post(`v1/${path}`, body, bearer(all));
    assert.deepEqual([response.status, await response.text()], [200, '{"ok": true}'], path);
    assert.equal(there.last().path, `/v1/${path}`);
    assert.equal(there.last().body, body.replace("tts-1", "voice-there"));
    const { model, reason, attempts, cost } = decisionHeaders(response);
    assert.deepEqual([model, reason, attempts, cost], ["voice", "requested", "1", undefined]);
  }
  for (const path of FORM_ENDPOINTS) {
    const response = await postForm(`v1/${path}`, { model: "tts-1", file: SMALL_FILE, prompt: "A pine" });
    assert.equal(response.status, 200, `${path}: ${await response.text()}`);
    const sent = await formOf(there.last());
    assert.deepEqual([...sent.keys()].sort(), ["file", "model", "prompt"], path);
    assert.deepEqual([sent.get("model"), sent.get("prompt")], ["voice-there", "A pine"]);
  }
});

test("a large file passes unchanged, and costs no wasm memory", async (t) => {
  const one = await alone(t, {
    upstreams: { ears: { baseUrl: there.url } },
    main: "../../tests/worker/soak-worker.mjs",
  });
  const memory = async () => (await one.get("memory")).json();
  const bytes = randomBytes(15 << 20);
  /** @type {Buffer | undefined} */
  let found;
  there.does(text("{}"));
  await (await one.post("v1/moderations", { model: "ears" })).text();
  const before = await memory();
  there.does((_, response, body) => {
    found = Buffer.from(body, "utf8");
    response.end("{}");
  });
  // The stand-in reads text, so the file is text too.
  const file = new File([bytes.toString("base64").slice(0, 15 << 20)], "long.wav", { type: "audio/wav" });
  const response = await one.send(
    "POST",
    "v1/audio/transcriptions",
    Buffer.from(await (await encoded({ model: "ears", file })).arrayBuffer()),
    { "content-type": BOUNDARY_TYPE },
  );
  assert.equal(response.status, 200, await response.text());
  assert.ok(found?.includes(await file.text()));
  assert.equal(await memory(), before);
});

test("a stream of events is passed on as it comes", async () => {
  const events = 'data: {"type": "transcript.text.delta", "delta": "Hel"}\n\n';
  const held = deferred("the end of the upstream's stream");
  there.does(async (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(events);
    await held.promise;
    response.end("data: [DONE]\n\n");
  });
  const response = await postForm("v1/audio/transcriptions", { model: "ears", stream: "true", file: SMALL_FILE });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), events);
  held.resolve();
  assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), "data: [DONE]\n\n");
});

test("only a named model with OpenAI's API is called", async () => {
  there.does(text("{}"));
  for (const path of [...JSON_ENDPOINTS, ...FORM_ENDPOINTS]) {
    const send = (/** @type {string} */ model) =>
      FORM_ENDPOINTS.includes(path) && path !== "images/edits"
        ? postForm(`v1/${path}`, { model, file: SMALL_FILE })
        : worker.post(`v1/${path}`, { model }, bearer(all));
    for (const model of ["auto", BUNDLE.name, "nobody"]) await refused(send(model), 404, "model_not_found");
    for (const model of ["claude", "edge"]) {
      const { message } = await refused(send(model), 400, "not_translatable");
      assert.ok(message.includes(`/v1/${path}`), message);
    }
    const { message } = await refused(worker.post(`v1/${path}`, {}, bearer(all)), 404, "model_not_found");
    assert.ok(message.includes("UPSTREAMS"), message);
    await refused(worker.get(`v1/${path}`, bearer(all)), 405, "method_not_allowed");
    await refused(worker.post(`v1/${path}`, { model: "voice" }), 401, "invalid_api_key");
  }
  assert.equal(there.requests.length, 0);
});

test("a key's models, refused fields and budget hold", async () => {
  there.does(text("{}"));
  const speak = (/** @type {object} */ fields, /** @type {Record<string, string>} */ headers) =>
    worker.post("v1/audio/speech", { model: "voice", ...fields }, headers);
  await refused(speak({}, bearer(only)), 403, "model_not_allowed");
  assert.equal((await speak({ model: "ears" }, bearer(only))).status, 200);
  await refused(speak({ model: "ears", store: true }, bearer(only)), 400, "field_refused");
  await refused(speak({ model: "ears", temperature: 1 }, bearer(all)), 400, "field_refused");
  await refused(speak({ Model: "ears" }, bearer(all)), 400, "body_not_json");
  const hear = (/** @type {Record<string, string>} */ fields, /** @type {import("./keys.mjs").Key} */ who) =>
    postForm("v1/audio/transcriptions", { file: SMALL_FILE, ...fields }, bearer(who));
  await refused(hear({ model: "voice" }, only), 403, "model_not_allowed");
  await refused(hear({ model: "ears", service_tier: "priority" }, only), 400, "field_refused");
  await refused(hear({ model: "ears", temperature: "0" }, all), 400, "field_refused");
  await refused(hear({ model: "ears", Model: "voice" }, only), 400, "body_not_json");
  assert.equal((await hear({ model: "ears", store: "false" }, only)).status, 200);

  const { message } = await refused(speak({}, bearer(spender)), 400, "endpoint_unpriced");
  assert.ok(message.includes("/v1/audio/speech") && message.includes("budget"), message);
  await refused(hear({ model: "ears" }, spender), 400, "endpoint_unpriced");
  assert.equal((await speak({ model: "free" }, bearer(spender))).status, 200);
  await refused(speak({ model: "own" }, bearer(spender)), 400, "endpoint_unpriced");
  const paid = { ...bearer(spender), "x-pointsman-upstream-key": "mine=sk-mine" };
  assert.equal((await speak({ model: "own" }, paid)).status, 200);
  assert.equal(there.last().headers.authorization, "Bearer sk-mine");
  // The fallback of the free model is not free.
  there.does(status(500));
  assert.equal((await speak({ model: "free" }, bearer(spender))).status, 500);
  assert.deepEqual(
    there.requests.map(({ json }) => json.model),
    ["free", "free"],
  );
});

test("a form that repeats its model is sent with one", async () => {
  there.does(text("{}"));
  const part = (/** @type {string} */ name, /** @type {string} */ value) =>
    `--xyzzy\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const body = `${part("model", "ears")}${part("model", "voice")}${part("x", "1")}--xyzzy--\r\n`;
  await refused(
    worker.send("POST", "v1/audio/transcriptions", body, { ...bearer(only), "content-type": BOUNDARY_TYPE }),
    404,
    "model_not_found",
  );
  assert.equal(there.requests.length, 0);
});

test("failing upstreams are called again, then the fallbacks that have the API", async () => {
  there.does(inTurn(status(503), text('{"text": "1"}')));
  const again = await postForm("v1/audio/transcriptions", { model: "ears", file: SMALL_FILE });
  assert.deepEqual([again.status, decisionHeaders(again).attempts], [200, "2"]);
  for (const sent of there.requests) assert.equal((await formOf(sent)).get("model"), "ears-there");
  there.does(status(503));
  other.does(text('{"text": "2"}'));
  const next = await postForm("v1/audio/transcriptions", { model: "ears", file: SMALL_FILE });
  assert.deepEqual([await next.json(), decisionHeaders(next).model], [{ text: "2" }, "ears-2"]);
  assert.equal((await formOf(other.last())).get("model"), "ears-2");
  there.does(status(400));
  const error = await errorOf(await postForm("v1/audio/transcriptions", { model: "ears", file: SMALL_FILE }));
  assert.deepEqual([error.status, error.code], [400, "stand_in_400"]);
});

test("an upstream's error names no secret, and its refusal of the gateway's key is not the caller's", async () => {
  there.does(status(422, {}, '{"error": {"message": "key sk-voice-secret is odd", "type": "x", "code": "y"}}'));
  const response = await worker.post("v1/audio/speech", { model: "voice" }, bearer(all));
  const body = await response.text();
  assert.equal(response.status, 422);
  assert.ok(body.includes("is odd") && !body.includes("sk-voice-secret"), body);
  there.does(status(401));
  await refused(worker.post("v1/audio/speech", { model: "voice" }, bearer(all)), 502, "upstream_refused");
});

// workerd ends the HTTP body of a failed stream normally.
test("an answer that breaks off or pauses ends, and one that never begins is an error", async (t) => {
  const some = AUDIO.subarray(0, 1000).toString("utf8");
  there.does(breaking([AUDIO.subarray(0, 1000)], "audio/mpeg"));
  assert.equal((await drained(await worker.post("v1/audio/speech", { model: "voice" }, bearer(all)))).text, some);
  const hurried = await alone(t, {
    upstreams: { voice: { baseUrl: there.url } },
    gateway: { timeouts: { idleMs: 100, firstByteMs: 100 }, retries: { most: 0 } },
  });
  there.does(pausing([AUDIO.subarray(0, 1000)], "audio/mpeg"));
  assert.equal((await drained(await hurried.post("v1/audio/speech", { model: "voice" }))).text, some);
  there.does(noBody("audio/mpeg"));
  await refused(hurried.post("v1/audio/speech", { model: "voice" }), 504, "upstream_timeout");
});

test("a client that leaves ends the upstream's call", async () => {
  const gone = deferred("the end of the upstream's call");
  there.does(endless(AUDIO.subarray(0, 1000), gone.resolve, "audio/mpeg"));
  const response = await worker.post("v1/audio/speech", { model: "voice" }, bearer(all));
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  await reader.read();
  await reader.cancel();
  await gone.promise;
});

test("a body that is no form, no JSON or too long is the caller's fault", async () => {
  there.does(text("{}"));
  const send = (/** @type {string | Uint8Array} */ body, /** @type {string} */ type) =>
    worker.send("POST", "v1/audio/transcriptions", body, { ...bearer(all), "content-type": type });
  await refused(send("no form", BOUNDARY_TYPE), 400, "body_not_form");
  await refused(send("--xyzzy\r\nx", BOUNDARY_TYPE), 400, "body_not_form");
  await refused(send("--xyzzy--", "multipart/form-data"), 400, "body_not_form");
  await refused(send("model=voice", "application/x-www-form-urlencoded"), 400, "body_not_json");
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`f${at}`, "x"]));
  await refused(postForm("v1/audio/transcriptions", many), 400, "body_too_complex");
  await refused(send(Buffer.alloc((4 << 20) + 1, "x"), BOUNDARY_TYPE), 413, "body_too_large");
  assert.equal(there.requests.length, 0);
});

test("each request is logged once, with its end", async (t) => {
  /** @type {import("../../worker/js/stand-ins/analytics.mjs").DataPoint[]} */
  const points = [];
  const one = await alone(t, {
    upstreams: { voice: { baseUrl: there.url } },
    analytics: (point) => points.push(point),
    gateway: { retries: { most: 0 } },
  });
  there.does(inTurn(audio, status(500), breaking([AUDIO.subarray(0, 1000)], "audio/mpeg")));
  for (let at = 0; at < 3; at += 1) await drained(await one.post("v1/audio/speech", { model: "voice" }));
  await drained(await one.post("v1/audio/speech", { model: "auto" }));
  await until(() => points.length >= 4, "four data points");
  const told = points.map(({ blobs = [] }) => blobs.join());
  assert.deepEqual(told.sort(), [
    ",,audio/speech,404,model_not_found",
    "voice,requested,audio/speech,200,",
    "voice,requested,audio/speech,200,upstream_broke_off",
    "voice,requested,audio/speech,500,upstream_error",
  ]);
});

for (const type of ["audio/mpeg", "text/event-stream"]) {
  test(`a trap ends an answer of ${type} of another request, and aborts its upstream call`, async (t) => {
    const voice = { baseUrl: there.url };
    const one = await alone(t, { upstreams: { voice }, main: "../../tests/worker/restart.mjs" });
    const gone = deferred("the end of the upstream's call");
    there.does((_, response) => {
      response.writeHead(200, { "content-type": type });
      response.write("data: 1\n\n");
      response.on("close", gone.resolve);
    });
    const body = drained(await one.post("v1/audio/speech", { model: "voice" }));
    await one.send("POST", "ruin", "");
    await one.post("v1/route", { query: "Hello" });
    const { text: found } = await body;
    assert.deepEqual([found.startsWith("data: 1"), found.includes("gateway_stopped")], [true, type !== "audio/mpeg"]);
    await gone.promise;
    there.does(audio);
    const after = await one.post("v1/audio/speech", { model: "voice" });
    assert.ok(Buffer.from(await after.arrayBuffer()).equals(AUDIO));
  });
}
