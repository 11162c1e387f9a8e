// Bad requests and configurations: the error says what is wrong, nothing reaches an upstream, and no
// content or key is logged.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { alone, BUNDLE, chatBody, errorOf, everyCandidateAt, gateway, postAlone, refused } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { openai } from "./openai-stand-in.mjs";
import { hangUp, status, until, upstream } from "./stand-ins.mjs";

const { weak, kind, name } = BUNDLE;

const there = await upstream();
const worker = await gateway({ upstream: there });
after(async () => {
  await worker.close();
  await there.close();
});

const user = (/** @type {unknown} */ content) => ({ messages: [{ role: "user", content }] });

test("an error repeats only the beginning of what it found", async () => {
  const long = "x".repeat(1 << 20);
  const roles = Array.from({ length: 10_000 }, () => ({ role: "r".repeat(100), content: "x" }));
  /** @type {Promise<Response>[]} */
  const answers = [
    worker.chat({ messages: roles }),
    worker.chat({ model: long }),
    worker.chat({ model: `auto:share:${long}` }),
    worker.chat({ messages: [{ role: "user", content: { [long]: 1 } }] }),
    worker.post("v1/route", { query: "x", [long]: 1 }),
    worker.post("v1/route", { messages: roles }),
    worker.post("v1/route", { query: "x", policy: { candidates: [long] } }),
    worker.post("v1/feedback", { request_id: "x", score: long }),
    worker.post("v1/messages", { model: long, max_tokens: 1, messages: [{ role: "user", content: "x" }] }),
    worker.get(`v1/models/${"x".repeat(8000)}`),
    worker.chat({}, { "x-pointsman-models": "x".repeat(8000) }),
    worker.chat({}, { "x-pointsman-threshold": "x".repeat(8000) }),
  ];
  for (const [at, answer] of answers.entries()) {
    const response = await answer;
    const { length } = await response.text();
    assert.ok(response.status >= 400 && response.status < 500 && length < 3000, `${at}: ${response.status}, ${length}`);
  }
});

test("callers' mistakes are 4xx and never reach an upstream", async () => {
  there.does(openai());
  /** @type {[fields: object, headers: Record<string, string>, code: number, expected: string][]} */
  const cases = [
    [{ model: undefined }, {}, 400, "model_missing"],
    [{ model: null }, {}, 400, "model_missing"],
    [{ model: 7 }, {}, 404, "model_not_found"],
    [{ model: "gpt-unknown" }, {}, 404, "model_not_found"],
    [{ model: "" }, {}, 404, "model_not_found"],
    [{ model: "router-other-0.5" }, {}, 404, "model_not_found"],
    [{ model: `${weak}:share:0.5` }, {}, 404, "model_not_found"],
    [{ model: `router-${kind}-half` }, {}, 400, "model_threshold"],
    [{ model: `router-${kind}-1.5` }, {}, 400, "policy_out_of_range"],
    [{ model: "auto:share" }, {}, 400, "model_option"],
    [{ model: "auto:share:much" }, {}, 400, "model_option"],
    [{ model: "auto:colour:1" }, {}, 400, "model_option"],
    [{ model: `${name}:share:2` }, {}, 400, "policy_out_of_range"],
    [{}, { "x-pointsman-threshold": "much" }, 400, "header_not_a_number"],
    [{}, { "x-pointsman-max-cost": "cheap" }, 400, "header_not_a_number"],
    [{}, { "x-pointsman-cost-weight": "-1" }, 400, "policy_out_of_range"],
    [{}, { "x-pointsman-strong-share": "2" }, 400, "policy_out_of_range"],
    [{}, { "x-pointsman-strong-share": "0.5", "x-pointsman-threshold": "0.5" }, 400, "policy_contradiction"],
    [{ messages: undefined }, {}, 400, "body_not_json"],
    [{ messages: "Hello" }, {}, 400, "body_not_json"],
    [{ messages: [7] }, {}, 400, "body_not_json"],
    [{ messages: [] }, {}, 400, "messages_without_text"],
  ];
  for (const [fields, headers, code, expected] of cases) {
    const error = await errorOf(await worker.chat(fields, headers));
    assert.deepEqual(
      [error.status, error.code],
      [code, expected],
      `${JSON.stringify(fields)} ${JSON.stringify(headers)}: ${error.message}`,
    );
    assert.equal(error.type, "invalid_request_error");
  }
  assert.equal(there.requests.length, 0);
});

const PATHS = ["chat/completions", "responses", "completions", "embeddings", "route", "feedback"];

test("a body that is not a JSON object is refused on every endpoint", async () => {
  const bad = ["", "nonsense", '{"model": "auto"', "\ufeff", "null", '{"model": "auto"} {}'];
  for (const path of PATHS) {
    for (const body of bad) {
      const error = await errorOf(await worker.post(`v1/${path}`, body));
      assert.equal(error.status, 400, `${path} ${body}`);
      assert.match(error.code, /^(body_not_json|request_ill_formed|feedback_ill_formed)$/, `${path} ${body}`);
    }
  }
  for (const body of [...bad, "[]", '"text"']) {
    const response = await worker.post("v1/messages", body);
    assert.deepEqual([response.status, (await response.json()).error.type], [400, "invalid_request_error"]);
  }
});

test("a body that is not UTF-8 is refused on every endpoint", async () => {
  for (const path of PATHS) {
    await refused(worker.send("POST", `v1/${path}`, Buffer.from([0x7b, 0xff, 0x7d])), 400, "body_not_utf8");
  }
});

test("deeply nested JSON is refused, JSON with very many keys is served, and the Worker keeps running", async () => {
  const deep = `{"model": "auto", "messages": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  assert.equal((await errorOf(await worker.post("v1/chat/completions", deep))).status, 400);
  assert.equal((await errorOf(await worker.post("v1/route", deep))).status, 400);
  const wide = chatBody(Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, at])));
  assert.equal((await worker.post("v1/chat/completions", wide)).status, 200);
  assert.equal((await worker.get("healthz")).status, 200);
});

test("a body of 10 MiB is accepted, and one above the limit is refused with or without a stated length", async () => {
  there.does(openai());
  const image = `data:image/png;base64,${"A".repeat(10 << 20)}`;
  const big = chatBody(
    user([
      { type: "text", text: "Hello" },
      { type: "image_url", image_url: { url: image } },
    ]),
  );
  assert.equal((await worker.chat(big)).status, 200);
  assert.ok(there.requests[0].body.length > 10 << 20);
  const mebibyte = Buffer.alloc(1 << 20, 0x20);
  const headers = { "content-length": String(17 << 20) };
  await refused(postAlone(new URL("v1/route", worker.url), Array(17).fill(mebibyte), headers), 413, "body_too_large");
  await refused(postAlone(new URL("v1/chat/completions", worker.url), Array(18).fill(mebibyte)), 413, "body_too_large");
});

test("the configuration sets the limit of the body", async (t) => {
  there.does(openai());
  const small = await alone(t, { upstream: there, gateway: { maxBodyBytes: 1000 } });
  assert.equal((await small.chat()).status, 200);
  await refused(small.chat(user("x".repeat(1000))), 413, "body_too_large");
});

test("a text longer than the router reads is still served", async (t) => {
  there.does(openai());
  const roomy = await alone(t, { upstreams: everyCandidateAt(there, { contextWindow: 10_000_000 }) });
  const response = await roomy.chat(user("word ".repeat(1 << 18)));
  assert.equal(response.status, 200, await response.text());
});

test("a missing upstream key is named in the log, and not to the caller", async (t) => {
  const one = await alone(t, {
    upstreams: everyCandidateAt({ url: "http://127.0.0.1:9/v1" }, { keySecret: "ABSENT_KEY" }),
  });
  const error = await refused(one.chat(), 500, "upstream_key_missing");
  assert.doesNotMatch(error.message, /ABSENT_KEY/);
  await until(() => one.log.some((line) => /ABSENT_KEY/.test(line)), "the secret's name in the log");
});

test("without upstreams a chat request is refused", async (t) => {
  const one = await alone(t, {});
  assert.equal((await refused(one.chat(), 500, "upstream_not_configured")).type, "server_error");
});

test("an error in the configuration is named in the log alone, and no secret is repeated", async () => {
  const url = there.url;
  /** @type {[options: import("./gateway.mjs").Options, message: RegExp][]} */
  const cases = [
    [{ upstreams: { [weak]: { baseUrl: "http://me:hunter2@127.0.0.1:9" } } }, /keySecret/],
    [{ upstreams: { [weak]: { baseUrl: "ftp://x" } } }, /baseUrl/],
    [{ upstreams: { [weak]: {} } }, /baseUrl/],
    [{ upstreams: { [weak]: { baseUrl: url, colour: "red" } } }, /colour/],
    [{ upstreams: { [weak]: { baseUrl: url, api: "gemini" } } }, /gemini/],
    [{ upstreams: { [weak]: { baseUrl: url, fallbacks: ["nobody"] } } }, /nobody/],
    [{ upstreams: { [weak]: { baseUrl: url, headers: { Authorization: "Bearer hunter2" } } } }, /authorization/i],
    [{ upstreams: { [weak]: { baseUrl: url, headers: { "X-Api-Key": "hunter2" } } } }, /x-api-key/i],
    [{ upstreams: { [weak]: { baseUrl: url, inputPrice: -1 } } }, /inputPrice/],
    [{ upstreams: "{" }, /UPSTREAMS/],
    [{ gateway: { open: true, colour: "red" } }, /colour/],
    [{ gateway: { routing: { turnDecay: 2 } } }, /turnDecay/],
    [{ gateway: { retries: { most: -1 } } }, /GATEWAY/],
    [{ gateway: { models: { allow: ["nobody"] } } }, /nobody/],
    [{ gateway: "{" }, /GATEWAY/],
    [{ keys: "{" }, /KEYS/],
    [{ keys: JSON.stringify("hunter2") }, /KEYS/],
    [{ keys: JSON.stringify(["hunter2"]) }, /KEYS/],
    [{ keys: JSON.stringify([{ hunter2: 1 }]) }, /KEYS/],
    [{ keys: "hunter2" }, /KEYS/],
    [{ upstreams: JSON.stringify({ [weak]: "hunter2" }) }, /UPSTREAMS/],
    [{ upstreams: { "two\nlines": { baseUrl: url } } }, /header/],
    [{ keys: [{ ...key("a").entry, name: "open" }] }, /open/],
    [{ keys: [{ name: "a", sha256: "hunter2" }] }, /sha256/],
    [{ keys: [key("a").entry, key("a").entry] }, /"a"/],
    [{ keys: [{ ...key("a").entry, budget: { usd: 1, period: "week" } }] }, /week|period/],
  ];
  for (const [options, message] of cases) {
    const one = await gateway({ upstream: there, ...options });
    const error = await refused(one.chat({}, bearer(key("a"))), 500, "config_invalid");
    await until(() => message.test(one.log.join("")), `${message} in the log`);
    const health = await (await one.get("healthz")).text();
    await one.close();
    for (const told of [error.message, health]) {
      assert.match(told, /config_invalid/);
      assert.doesNotMatch(told, /hunter2|KEYS|UPSTREAMS|GATEWAY|colour|nobody/);
    }
    assert.doesNotMatch(one.log.join(), /hunter2/);
  }
});

test("variables may be objects or JSON text", async (t) => {
  there.does(openai());
  const one = await alone(t, {
    upstreams: JSON.stringify(everyCandidateAt(there)),
    gateway: JSON.stringify({ open: true, models: { deny: [weak] } }),
  });
  assert.equal((await one.chat()).status, 200);
  await refused(one.chat({ model: weak }), 403, "model_not_allowed");
});

test("logs contain neither content nor keys, whatever the outcome", async (t) => {
  const who = key("quiet");
  const one = await alone(t, {
    upstreams: everyCandidateAt(there, { keySecret: "PROVIDER_KEY" }),
    keys: [who.entry],
    secrets: { PROVIDER_KEY: "sk-provider" },
    gateway: { retries: { most: 0 } },
  });
  const secret = "my-private-words";
  for (const answer of [openai({ text: secret }), status(500), status(422), hangUp]) {
    there.does(answer);
    await (await one.chat(user(secret), bearer(who))).text();
  }
  await (await one.post("v1/chat/completions", `{"model": "auto", "messages": "${secret}"`, bearer(who))).text();
  await (await one.chat(user(secret), { authorization: `Bearer ${who.text}-wrong` })).text();
  for (const word of [secret, "sk-provider", who.text]) assert.ok(!one.log.join("").includes(word), one.log.join(""));
});
