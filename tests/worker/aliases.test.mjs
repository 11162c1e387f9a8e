// GATEWAY.aliases: names and patterns that mean a model or routing.

/** @import { SentHeaders } from "./gateway.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { alone, BUNDLE, decisionHeaders, everyCandidateAt, gateway, refused } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { openai } from "./openai-stand-in.mjs";
import { upstream } from "./stand-ins.mjs";

const { strong, weak, name } = BUNDLE;
const EASY = { "x-pointsman-threshold": "1" };

const there = await upstream();
const upstreams = { ...everyCandidateAt(there), further: { baseUrl: there.url, model: "further-there" } };
const aliases = {
  "claude-opus-*": strong,
  "claude-*": "auto",
  "claude-haiku-4-5": weak,
  "gpt-5*": "auto:threshold:0",
  "*[1m]": "auto",
  "text-*": "further",
};
const worker = await gateway({ upstreams, gateway: { aliases } });
after(async () => {
  await worker.close();
  await there.close();
});

/** @param {string} model @param {SentHeaders} headers @param {Pick<typeof worker, "post">} on */
async function answeredBy(model, headers = EASY, on = worker) {
  there.does(openai());
  const messages = [{ role: "user", content: "Hello" }];
  const response = await on.post("v1/messages", { model, max_tokens: 9, messages }, headers);
  assert.equal(response.status, 200, `${model}: ${await response.clone().text()}`);
  const found = decisionHeaders(response);
  assert.equal(there.last().json.model, found.model === "further" ? "further-there" : `${found.model}-there`);
  return [found.model, found.reason];
}

test("the most specific alias decides, and an alias may mean a model or routing with options", async () => {
  for (const [model, expected] of /** @type {[string, string[]][]} */ ([
    ["claude-opus-4-1-20250805", [strong, "requested"]],
    ["claude-haiku-4-5", [weak, "requested"]],
    ["claude-haiku-4-5-20251001", [weak, "below_threshold"]],
    ["claude-sonnet-4-5[1m]", [weak, "below_threshold"]],
    ["auto[1m]", [weak, "below_threshold"]],
    ["gpt-5-codex", [strong, "above_threshold"]],
    ["text-embedding-3-small", ["further", "requested"]],
  ])) {
    assert.deepEqual(await answeredBy(model), expected, model);
  }
});

test("an alias works on every endpoint that takes a model", async () => {
  there.does(openai());
  /** @type {[path: string, body: object][]} */
  const bodies = [
    ["chat/completions", { messages: [{ role: "user", content: "Hello" }] }],
    ["responses", { input: "Hello" }],
    ["completions", { prompt: "Hello" }],
    ["embeddings", { input: "Hello" }],
  ];
  for (const [path, body] of bodies) {
    const response = await worker.post(`v1/${path}`, { model: "text-x", ...body });
    assert.equal(response.status, 200, await response.clone().text());
    assert.equal(there.last().json.model, "further-there");
  }
  await refused(worker.post("v1/embeddings", { model: "claude-x", input: "Hello" }), 404, "model_not_found");
});

test("a served model's name and names that mean routing are no aliases", async (t) => {
  const one = await alone(t, { upstreams, gateway: { aliases: { "*": strong } } });
  assert.deepEqual(await answeredBy(weak, {}, one), [weak, "requested"]);
  assert.deepEqual(await answeredBy("auto", EASY, one), [weak, "below_threshold"]);
  assert.deepEqual(await answeredBy(name, EASY, one), [weak, "below_threshold"]);
  assert.deepEqual(await answeredBy("whatever", {}, one), [strong, "requested"]);
  await refused(one.chat({ model: "auto:share" }), 400, "model_option");
});

test("a name without an alias is refused with the setting that would serve it", async () => {
  const error = await refused(worker.chat({ model: "llama" }), 404, "model_not_found");
  assert.match(error.message, /GATEWAY\.aliases/);
});

test("a key needs the permission for what an alias means", async (t) => {
  const models = (/** @type {string[]} */ ...list) => key(list.join("-").replaceAll(/[^a-z-]/g, ""), { models: list });
  const routes = models("auto");
  const small = models(weak);
  const names = models("claude-opus-4-1");
  const one = await alone(t, {
    upstreams,
    gateway: { aliases },
    keys: [routes, small, names].map(({ entry }) => entry),
  });
  const may = async (/** @type {typeof routes} */ who, /** @type {string} */ model) => {
    const response = await one.chat({ model }, { ...bearer(who), ...EASY });
    return response.status === 200 || (await response.json()).error.code;
  };
  there.does(openai());
  assert.deepEqual([await may(routes, "claude-x"), await may(routes, "claude-opus-4-1")], [true, "model_not_allowed"]);
  assert.deepEqual([await may(small, "claude-haiku-4-5"), await may(small, "claude-x")], [true, "model_not_allowed"]);
  assert.equal(await may(names, "claude-opus-4-1"), "model_not_allowed");
  const { data } = await (await one.get("v1/models", bearer(small))).json();
  assert.deepEqual(
    data.map((/** @type {{id: string}} */ { id }) => id),
    [weak, "claude-haiku-4-5"],
  );
});

test("the list of models has the aliases that are no patterns, and each alias can be looked up", async () => {
  const { data } = await (await worker.get("v1/models")).json();
  assert.deepEqual(
    data.map((/** @type {{id: string}} */ { id }) => id),
    ["auto", name, strong, weak, "further", "claude-haiku-4-5"],
  );
  const opus = await (await worker.get("v1/models/claude-opus-4-1")).json();
  assert.deepEqual([opus.id, opus.context_window], ["claude-opus-4-1", 8192]);
  await refused(worker.get("v1/models/llama"), 404, "model_not_found");
});

test("an alias of an unknown model, of another alias or with a served name is a configuration error", async (t) => {
  for (const wrong of [
    { "claude-*": "gone" },
    { "claude-*": "opus", opus: strong },
    { "claude-*": "auto:share:2" },
    { [weak]: strong },
    { auto: strong },
  ]) {
    const one = await alone(t, { upstreams, gateway: { aliases: wrong } });
    await refused(one.chat({}), 500, "config_invalid");
    assert.ok(
      one.log.some((line) => line.includes("aliases.")),
      one.log.join("\n"),
    );
  }
});
