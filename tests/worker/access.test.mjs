// Access: keys and their models, origins, rate limits, and the headers that are passed on.

/** @import { Key } from "./keys.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { alone, BUNDLE, decisionHeaders, errorOf, everyCandidateAt, gateway, refused } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { openai } from "./openai-stand-in.mjs";
import { status, upstream } from "./stand-ins.mjs";

const { strong, weak, ids, kind, name } = BUNDLE;
const all = key("all");
const routed = key("routed", { models: ["auto"] });
const small = key("small", { models: ["auto", weak] });
const named = key("named", { models: [weak] });

const there = await upstream();
const worker = await gateway({
  upstream: there,
  keys: [all, routed, small, named].map(({ entry }) => entry),
  gateway: { cors: { origins: ["https://app.example"] } },
});
after(async () => {
  await worker.close();
  await there.close();
});

test("without a valid key only healthz answers", async () => {
  there.does(openai());
  const wrong = [
    {},
    { authorization: all.text },
    { authorization: `Basic ${all.text}` },
    { authorization: "Bearer " },
    { "x-api-key": "" },
    { authorization: `Bearer ${all.text}x` },
    { authorization: `Bearer ${all.text.slice(1)}` },
    { "x-api-key": "wrong" },
    { authorization: `Bearer ${all.entry.sha256}` },
  ];
  for (const headers of wrong) {
    for (const response of [
      worker.chat({}, headers),
      worker.post("v1/route", { query: "x" }, headers),
      worker.get("v1/models", headers),
      worker.post("v1/feedback", {}, headers),
    ]) {
      await refused(response, 401, "invalid_api_key");
    }
  }
  const anthropic = await worker.post("v1/messages", {
    model: "auto",
    max_tokens: 1,
    messages: [{ role: "user", content: "x" }],
  });
  assert.deepEqual([anthropic.status, (await anthropic.json()).error.type], [401, "authentication_error"]);
  assert.equal(there.requests.length, 0);
  assert.equal((await worker.get("healthz")).status, 200);
});

test("a key is read from either header and not passed on", async () => {
  there.does(openai());
  for (const headers of [bearer(all), { authorization: `bearer ${all.text}` }, { "x-api-key": all.text }]) {
    assert.equal((await worker.chat({}, headers)).status, 200);
    const sent = there.last().headers;
    assert.deepEqual([sent.authorization, sent["x-api-key"]], [undefined, undefined]);
  }
});

test("without KEYS and without open every request is refused with the reason", async (t) => {
  const closed = await alone(t, { upstream: there, gateway: null });
  await refused(closed.chat(), 500, "keys_missing");
  await refused(closed.get("v1/models"), 500, "keys_missing");
  assert.equal((await closed.get("healthz")).status, 200);
});

test("an open gateway without keys serves every caller, whatever key the client sends", async (t) => {
  there.does(openai());
  const open = await alone(t, { upstream: there });
  for (const headers of [{}, { authorization: "Bearer unused" }, { "x-api-key": "unused" }]) {
    assert.equal((await open.chat({ model: strong }, headers)).status, 200);
    assert.equal(there.last().headers.authorization, undefined);
  }
});

test("an open gateway with keys serves callers without a key, and applies the limits of a key that is sent", async (t) => {
  there.does(openai());
  const open = await alone(t, { upstream: there, gateway: { open: true }, keys: [small.entry] });
  assert.equal((await open.chat({ model: strong })).status, 200);
  await refused(open.chat({ model: strong }, bearer(small)), 403, "model_not_allowed");
  await refused(open.chat({}, { authorization: "Bearer wrong" }), 401, "invalid_api_key");
});

test("a key's models limit the models that it may name, routing and the list of models", async () => {
  there.does(openai());
  const strongest = { "x-pointsman-threshold": "0" };
  /** @type {[who: Key, model: string, answered: string | undefined][]} */
  const cases = [
    [routed, "auto", strong],
    [routed, weak, undefined],
    [routed, `router-${kind}-0.5`, "any"],
    [small, "auto", weak],
    [small, weak, weak],
    [small, strong, undefined],
    [named, weak, weak],
    [named, "auto", undefined],
    [named, strong, undefined],
    [named, "auto:share:0", undefined],
  ];
  for (const [who, model, answered] of cases) {
    const response = await worker.chat({ model }, { ...bearer(who), ...strongest });
    if (!answered) await refused(response, 403, "model_not_allowed");
    else
      assert.ok(
        answered === "any" ? response.ok : decisionHeaders(response).model === answered,
        `${who.entry.name} ${model}`,
      );
  }
  const list = async (/** @type {Key} */ who) =>
    (await (await worker.get("v1/models", bearer(who))).json()).data.map((/** @type {{id: string}} */ { id }) => id);
  assert.deepEqual(await list(all), ["auto", name, ...ids]);
  assert.deepEqual(await list(small), ["auto", name, weak]);
  assert.deepEqual(await list(named), [weak]);
  await refused(worker.get(`v1/models/${strong}`, bearer(small)), 404, "model_not_found");
});

test("browsers may call only from the configured origins", async () => {
  there.does(openai());
  const preflight = (/** @type {string} */ origin) =>
    worker.send("OPTIONS", "v1/chat/completions", undefined, {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization, content-type, x-pointsman-threshold",
    });
  const allowed = await preflight("https://app.example");
  assert.equal(allowed.status, 204);
  assert.equal(allowed.headers.get("access-control-allow-origin"), "https://app.example");
  assert.match(allowed.headers.get("access-control-allow-methods") ?? "", /POST/);
  const headers = (allowed.headers.get("access-control-allow-headers") ?? "").toLowerCase();
  for (const header of ["authorization", "content-type", "x-pointsman-threshold"])
    assert.ok(headers.includes(header), `${header} in ${headers}`);
  await refused(preflight("https://evil.example"), 403, "origin_not_allowed");
  await refused(preflight("https://app.example.evil"), 403, "origin_not_allowed");
  const answer = await worker.chat({}, { ...bearer(all), origin: "https://app.example" });
  assert.equal(answer.headers.get("access-control-allow-origin"), "https://app.example");
  assert.match(answer.headers.get("vary") ?? "", /origin/i);
  assert.match(answer.headers.get("access-control-expose-headers") ?? "", /x-pointsman-model/);
  assert.match(answer.headers.get("access-control-expose-headers") ?? "", /x-request-id/);
  const error = await worker.chat({}, { origin: "https://app.example" });
  assert.deepEqual([error.status, error.headers.get("access-control-allow-origin")], [401, "https://app.example"]);
  await refused(worker.chat({}, { ...bearer(all), origin: "https://evil.example" }), 403, "origin_not_allowed");
});

test("* allows every origin, and an empty list none", async (t) => {
  there.does(openai());
  const every = await alone(t, { upstream: there, gateway: { cors: { origins: ["*"] } } });
  const response = await every.chat({}, { origin: "https://any.example" });
  assert.equal(response.status, 200);
  assert.ok(["*", "https://any.example"].includes(response.headers.get("access-control-allow-origin") ?? ""));
  const none = await alone(t, { upstream: there });
  await refused(none.chat({}, { origin: "https://any.example" }), 403, "origin_not_allowed");
});

test("a request's id is the caller's if it is valid, and generated otherwise", async () => {
  there.does(openai());
  for (const id of ["r-1", "A.b_c-9", "x".repeat(128)]) {
    const response = await worker.chat({}, { ...bearer(all), "x-request-id": id });
    assert.equal(response.headers.get("x-request-id"), id);
    assert.equal(there.last().headers["x-request-id"], id);
  }
  const made = new Set();
  for (const id of [undefined, "", "a b", "x".repeat(129), "a/../b", "é"]) {
    const response = await worker.chat(
      {},
      { ...bearer(all), ...(id === undefined ? {} : { "x-request-id": Buffer.from(id, "utf8").toString("latin1") }) },
    );
    const found = response.headers.get("x-request-id") ?? "";
    assert.match(found, /^[A-Za-z0-9._-]{1,128}$/);
    assert.equal(there.last().headers["x-request-id"], found);
    made.add(found);
  }
  assert.equal(made.size, 6);
  const error = await worker.chat({}, { "x-request-id": "r-2" });
  assert.deepEqual([error.status, error.headers.get("x-request-id")], [401, "r-2"]);
});

test("the upstream gets its own key, never the caller's, and no key is in the answer or the log", async (t) => {
  there.does(status(401));
  const secrets = { PROVIDER_KEY: "sk-provider-secret" };
  const keyed = await alone(t, {
    upstreams: everyCandidateAt(there, { keySecret: "PROVIDER_KEY" }),
    keys: [all.entry],
    secrets,
  });
  const response = await keyed.chat(
    {},
    { ...bearer(all), cookie: "a=b", "x-pointsman-upstream-key": "sk-mine", "x-forwarded-for": "1.2.3.4" },
  );
  const { headers } = there.requests[0];
  assert.equal(headers.authorization, "Bearer sk-provider-secret");
  assert.deepEqual([headers.cookie, headers["x-pointsman-upstream-key"]], [undefined, undefined]);
  assert.ok(
    Object.keys(headers).every((one) => !one.startsWith("x-pointsman-")),
    Object.keys(headers).join(),
  );
  // The upstream's refusal of the gateway is no refusal of the caller.
  assert.equal(response.status, 502);
  const heard = [await response.text(), ...[...response.headers].flat(), ...keyed.log].join("\n");
  for (const secret of ["sk-provider-secret", all.text, "sk-mine", all.entry.sha256])
    assert.ok(!heard.includes(secret), secret);
});

test("a caller's own upstream key is used if the upstream's configuration allows it", async (t) => {
  there.does(openai());
  const upstreams = everyCandidateAt(there, { keySecret: "PROVIDER_KEY" }, { [weak]: { callerKey: true } });
  const keyed = await alone(t, { upstreams, secrets: { PROVIDER_KEY: "sk-provider" } });
  const sent = async (/** @type {string} */ model, /** @type {Record<string, string>} */ headers) => {
    const response = await keyed.chat({ model }, headers);
    assert.equal(response.status, 200);
    return there.last().headers.authorization;
  };
  assert.equal(await sent(weak, { "x-pointsman-upstream-key": "sk-mine" }), "Bearer sk-mine");
  assert.equal(await sent(weak, {}), "Bearer sk-provider");
  assert.equal(await sent(strong, { "x-pointsman-upstream-key": "sk-mine" }), "Bearer sk-provider");
});

test("a key that exceeds the rate limit is refused, and other keys are not", async (t) => {
  there.does(openai());
  const limited = await alone(t, { upstream: there, keys: [all.entry, small.entry], rateLimit: { limit: 2 } });
  const statuses = [];
  // Twice the limit plus one: even if a new minute begins among them, one exceeds the limit.
  for (let i = 0; i < 5; i += 1) {
    const response = await limited.chat({}, bearer(all));
    statuses.push(response.status);
    if (response.status !== 200) assert.equal((await errorOf(response)).code, "rate_limited");
  }
  assert.ok(statuses.includes(429), statuses.join());
  assert.equal(statuses[0], 200);
  assert.equal(there.requests.length, statuses.filter((code) => code === 200).length);
  assert.equal((await limited.chat({}, bearer(small))).status, 200);
});
