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

test("a key whose models name one that is not served is limited all the same, and healthz and the log say so", async (t) => {
  there.does(openai());
  const renamed = key("renamed", { models: ["auto", "small-v1"] });
  const beside = key("beside", { models: ["auto", weak, "small-v1"] });
  const free = key("free", { models: ["auto", name, "router-old-0.5", "auto:share:0.5"] });
  const keys = [renamed, beside, free].map(({ entry }) => entry);
  const one = await alone(t, { upstream: there, keys });
  const strongest = { "x-pointsman-threshold": "0" };
  await refused(one.chat({}, { ...bearer(renamed), ...strongest }), 400, "no_candidate");
  for (const model of [strong, weak, "small-v1"]) {
    const { status: code } = await one.chat({ model }, bearer(renamed));
    assert.ok([403, 404].includes(code), `${model} ${code}`);
  }
  for (const [who, model] of /** @type {[Key, string][]} */ ([
    [beside, weak],
    [free, strong],
  ])) {
    const response = await one.chat({}, { ...bearer(who), ...strongest });
    assert.equal(decisionHeaders(response).model, model, who.entry.name);
  }
  const health = await (await one.get("healthz")).text();
  assert.deepEqual(JSON.parse(health).warnings, ["key_models_unknown"]);
  assert.doesNotMatch(health, /small-v1|renamed/);
  assert.ok(one.log.some((line) => line.includes("small-v1") && line.includes("renamed")));
  assert.equal((await (await worker.get("healthz")).json()).warnings, undefined);
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
  assert.match(answer.headers.get("access-control-expose-headers") ?? "", /x-request-id, request-id/);
  assert.match(answer.headers.get("access-control-expose-headers") ?? "", /x-pointsman-feedback-id/);
  const error = await worker.chat({}, { origin: "https://app.example" });
  assert.deepEqual([error.status, error.headers.get("access-control-allow-origin")], [401, "https://app.example"]);
});

test("a key admits a program whatever its origin, and no other page can read the answer", async () => {
  there.does(openai());
  for (const origin of [
    "app://obsidian.md",
    "tauri://localhost",
    "vscode-webview://0abc",
    "file://",
    "null",
    "https://evil.example",
  ]) {
    const answer = await worker.chat({}, { ...bearer(all), origin });
    assert.equal(answer.status, 200, origin);
    const cors = [...answer.headers.keys()].filter((name) => name.startsWith("access-control-"));
    assert.deepEqual(cors, [], origin);
    assert.equal((await worker.get("v1/models", { "x-api-key": all.text, origin })).status, 200, origin);
    await refused(worker.chat({}, { authorization: "Bearer wrong", origin }), 401, "invalid_api_key");
  }
});

test("without a key no page of another origin is served, however open the gateway is", async (t) => {
  there.does(openai());
  const open = await alone(t, {
    upstream: there,
    keys: [all.entry],
    gateway: { open: true, cors: { origins: ["https://app.example"] } },
  });
  for (const origin of ["https://evil.example", "null", "app://obsidian.md"]) {
    await refused(open.chat({}, { origin }), 403, "origin_not_allowed");
    await refused(open.get("v1/models", { origin }), 403, "origin_not_allowed");
    assert.equal((await open.chat({}, { ...bearer(all), origin })).status, 200);
  }
  assert.equal(there.requests.length, 3);
  assert.equal((await open.chat({}, { origin: "https://app.example" })).status, 200);
  assert.equal((await open.chat({}, { origin: open.url.origin })).status, 200);
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

test("a caller's keys go to their groups, and one without a group to the first origin alone", async (t) => {
  const other = await upstream();
  t.after(() => other.close());
  const upstreams = {
    [strong]: { baseUrl: there.url, callerKey: "one", fallbacks: [weak] },
    [weak]: { baseUrl: other.url, callerKey: "two", keySecret: "PROVIDER_KEY" },
    third: { baseUrl: there.url, callerKey: true, fallbacks: ["same", weak] },
    same: { baseUrl: `${there.url}/`, callerKey: true },
  };
  const keyed = await alone(t, { upstreams, secrets: { PROVIDER_KEY: "sk-provider" } });
  const sent = async (/** @type {string} */ model, /** @type {string} */ header) => {
    there.does(status(404));
    other.does(openai());
    const response = await keyed.chat({ model }, { "x-pointsman-upstream-key": header });
    assert.equal(response.status, 200);
    return [...there.requests, ...other.requests].map(({ headers }) => headers.authorization);
  };
  assert.deepEqual(await sent(strong, "sk-mine"), ["Bearer sk-mine", "Bearer sk-provider"]);
  assert.deepEqual(await sent(strong, "one=sk-one, two=sk-two"), ["Bearer sk-one", "Bearer sk-two"]);
  assert.deepEqual(await sent(strong, "two=sk-two"), [undefined, "Bearer sk-two"]);
  assert.deepEqual(await sent("third", "sk-mine"), ["Bearer sk-mine", "Bearer sk-mine", "Bearer sk-provider"]);
  const { origin } = new URL(there.url);
  assert.deepEqual(await sent("third", `${origin}=sk-own`), ["Bearer sk-own", "Bearer sk-own", "Bearer sk-provider"]);
  const ill = await refused(
    keyed.chat({ model: strong }, { "x-pointsman-upstream-key": "one=sk-a,one=sk-b" }),
    400,
    "upstream_keys_ill_formed",
  );
  assert.doesNotMatch(ill.message, /sk-/);
});

test("an open gateway counts callers by network, and healthz apart from them", async (t) => {
  there.does(openai());
  const limited = await alone(t, { upstream: there, rateLimit: { limit: 2 } });
  /** @type {(path: string, address: string) => Promise<number>} */
  const from = async (path, address) => (await limited.get(path, { "cf-connecting-ip": address })).status;
  const statuses = async (/** @type {string} */ path, /** @type {string[]} */ addresses) => {
    const found = [];
    for (const address of addresses) found.push(await from(path, address));
    return found;
  };
  const network = [1, 2, 3, 4, 5].map((host) => `2001:db8:1:2:${host}::${host}`);
  assert.ok((await statuses("v1/models", network)).includes(429));
  assert.equal(await from("v1/models", "2001:db8:1:3::1"), 200);
  const mapped = ["203.0.113.7", "::ffff:203.0.113.7", "203.0.113.7", "::ffff:cb00:7107", "203.0.113.7"];
  assert.ok((await statuses("v1/models", mapped)).includes(429));
  assert.equal(await from("healthz", "203.0.113.7"), 200);
  assert.ok((await statuses("healthz", Array(5).fill("203.0.113.7"))).includes(429));
  assert.equal(await from("healthz", "203.0.113.8"), 200);
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
