// What is not passed on: fields that change model, price or state, secrets, and refusals of the gateway itself.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { alone, BUNDLE, decisionHeaders, errorOf, everyCandidateAt, HURRIED, refused } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { chunk, event, openai } from "./openai-stand-in.mjs";
import { status, text, upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const [free, listed, spender] = [
  key("free"),
  key("listed", { models: ["auto", strong, weak] }),
  key("spender", { budget: { usd: 5, period: "month" } }),
];
const SECRET = "sk-live-0123456789abcdef";

const there = await upstream();
const other = await upstream();
after(() => Promise.all([there.close(), other.close()]));

/** @param {import("node:test").TestContext} t @param {object} fields @param {object} options */
async function start(t, fields = {}, options = {}) {
  there.does(openai());
  other.does(openai());
  return alone(t, {
    upstreams: everyCandidateAt(there, fields),
    keys: [free.entry, listed.entry, spender.entry],
    ledger: true,
    gateway: HURRIED,
    ...options,
  });
}

test("a key with models or a budget cannot send fields that change the model, the price or state", async (t) => {
  const worker = await start(t);
  const fields = {
    models: ["gpt-5-pro"],
    Models: ["gpt-5-pro"],
    route: "fallback",
    provider: { order: ["x"] },
    plugins: [{ id: "web" }],
    service_tier: "priority",
    store: true,
    web_search_options: {},
    tools: [{ type: "web_search" }],
  };
  for (const [field, value] of Object.entries(fields)) {
    for (const who of [listed, spender]) {
      const error = await refused(worker.chat({ model: strong, [field]: value }, bearer(who)), 400, "field_refused");
      assert.ok(error.message.includes(field === "tools" ? "web_search" : field), error.message);
    }
    assert.equal(there.requests.length, 0, field);
    assert.equal((await worker.chat({ model: strong, [field]: value }, bearer(free))).status, 200, field);
    there.requests.length = 0;
  }
  for (const field of ["previous_response_id", "conversation", "background"]) {
    const body = { model: strong, input: "Hi", [field]: field === "background" ? true : "x" };
    await refused(worker.post("v1/responses", body, bearer(listed)), 400, "field_refused");
  }
  const harmless = { service_tier: "default", store: false, models: null, metadata: { models: ["x"] } };
  assert.equal((await worker.chat({ model: strong, ...harmless }, bearer(listed))).status, 200);
});

test("the configuration refuses and allows fields for an upstream", async (t) => {
  const worker = await start(t, { refuse: ["seed"], allow: ["service_tier", "web_search"] });
  for (const who of [free, listed]) {
    await refused(worker.chat({ model: strong, seed: 7 }, bearer(who)), 400, "field_refused");
  }
  const allowed = { service_tier: "priority", tools: [{ type: "web_search" }] };
  assert.equal((await worker.chat({ model: strong, ...allowed }, bearer(listed))).status, 200);
});

test("no field stands twice, in any spelling, for any caller", async (t) => {
  const worker = await start(t);
  const messages = '"messages": [{"role": "user", "content": "Hi"}]';
  for (const [fields, code] of [
    [`"model": "gpt-5-pro", "model": "${weak}"`, "body_not_json"],
    [`"model": "gpt-5-pro", "mod\\u0065l": "${weak}"`, "body_not_json"],
    [`"model": "${weak}", "MODEL": "gpt-5-pro"`, "body_not_json"],
    [`"model": "${weak}", "Max_Tokens": 9`, "field_spelling"],
    [`"model": "${weak}", "max_to\\u212aens": 9`, "field_spelling"],
    [`"model": "${weak}", "temperature": 1, "temperature": 2`, "body_not_json"],
  ]) {
    const body = `{${fields}, ${messages}}`;
    await refused(worker.post("v1/chat/completions", body, bearer(free)), 400, code);
  }
  assert.equal(there.requests.length, 0);
});

test("anthropic-beta is passed on by an allow-list", async (t) => {
  const claude = { claude: { baseUrl: there.url, api: "anthropic" } };
  const anyBeta = "context-1m-2025-08-07, interleaved-thinking-2025-05-14,of-tomorrow-2027-01-01";
  const sent = async (/** @type {object} */ fields, /** @type {import("./keys.mjs").Key} */ who) => {
    const worker = await start(
      t,
      {},
      {
        upstreams: { claude: { ...claude.claude, ...fields } },
        keys: [free.entry, { ...listed.entry, models: ["claude"] }],
      },
    );
    await worker.post(
      "v1/messages",
      { model: "claude", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] },
      { ...bearer(who), "anthropic-beta": anyBeta },
    );
    return there.last().headers["anthropic-beta"];
  };
  assert.equal(await sent({}, free), anyBeta);
  assert.equal(await sent({}, listed), "interleaved-thinking-2025-05-14");
  assert.equal(await sent({ betas: ["context-1m-2025-08-07"] }, free), "context-1m-2025-08-07");
  assert.equal(await sent({ betas: [] }, listed), undefined);
});

test("an upstream's refusal of the gateway is a 502 whose text is in the log alone, without the secret", async (t) => {
  const worker = await start(t, { keySecret: "KEY" }, { secrets: { KEY: SECRET } });
  for (const code of [401, 402, 403, 407]) {
    worker.log.length = 0;
    there.does(status(code, {}, JSON.stringify({ error: { message: `no such key: ${SECRET}, org-77`, type: "x" } })));
    const error = await refused(worker.chat({ model: strong }, bearer(free)), 502, "upstream_refused");
    assert.ok(!error.message.includes("org-77") && !error.message.includes(SECRET), error.message);
    const log = worker.log.join("\n");
    assert.ok(log.includes("org-77") && !log.includes(SECRET), log);
  }
});

test("a secret's value is in no error that an upstream causes", async (t) => {
  const worker = await start(
    t,
    { keySecret: "KEY", headers: { "x-tenant": "tenant-0123456789" } },
    { secrets: { KEY: SECRET } },
  );
  const message = `seen: Bearer ${SECRET} and tenant-0123456789 and ${Buffer.from(SECRET).toString("base64")}`;
  const error = { error: { message, type: "invalid_request_error", code: "x" } };
  const inStream = chunk({ content: "Hi" }) + event(error);
  for (const [answer, fields] of /** @type {[import("./stand-ins.mjs").Answer, object][]} */ ([
    [status(400, {}, JSON.stringify(error)), {}],
    [status(500, {}, JSON.stringify(error)), {}],
    [text(JSON.stringify(error)), {}],
    [text(event(error), "text/event-stream"), { stream: true }],
    [text(inStream, "text/event-stream"), { stream: true }],
  ])) {
    worker.log.length = 0;
    there.does(answer);
    const response = await worker.chat({ model: strong, ...fields }, bearer(free));
    const heard = [await response.text().catch(() => ""), ...worker.log, ...[...response.headers].flat()].join("\n");
    for (const secret of [SECRET, "tenant-0123456789", Buffer.from(SECRET).toString("base64").slice(0, 20)]) {
      assert.ok(!heard.includes(secret), heard);
    }
  }
});

test("a caller's own key that is refused ends the request, and what it pays is not charged", async (t) => {
  const upstreams = {
    [strong]: {
      baseUrl: there.url,
      callerKey: true,
      keySecret: "KEY",
      fallbacks: [weak],
      inputPrice: 10,
      outputPrice: 30,
    },
    [weak]: { baseUrl: other.url, keySecret: "KEY", inputPrice: 10, outputPrice: 30 },
  };
  const worker = await start(t, {}, { upstreams, secrets: { KEY: SECRET } });
  there.does(status(401));
  const own = { ...bearer(spender), "x-pointsman-upstream-key": "sk-of-the-caller" };
  const error = await errorOf(await worker.chat({ model: strong }, own));
  assert.deepEqual([error.status, error.code, other.requests.length], [401, "stand_in_401", 0]);
  there.does(openai());
  const response = await worker.chat({ model: strong }, own);
  assert.deepEqual([response.status, Number(decisionHeaders(response).cost)], [200, 0]);
  assert.equal(there.last().headers.authorization, "Bearer sk-of-the-caller");
  assert.equal(there.last().json.max_tokens, undefined);
});
