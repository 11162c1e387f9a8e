// GET /v1/models as OpenAI's and Anthropic's libraries read it, its pages, and the limits of each model.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

import { BUNDLE, errorOf, everyCandidateAt, gateway, refused } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";

const { strong, weak, ids, name } = BUNDLE;
const all = key("all");
const small = key("small", { models: ["auto", weak] });
const VERSION = { "anthropic-version": "2023-06-01" };
const SINCE = Date.parse("2026-11-22T00:00:00Z");

const upstreams = {
  ...everyCandidateAt(
    { url: "https://upstream.example/v1" },
    {},
    {
      [strong]: { contextWindow: 200_000, maxOutputTokens: 9000 },
      [weak]: { contextWindow: 8000, maxOutputTokens: 4000 },
    },
  ),
  claude: { api: "anthropic", baseUrl: "https://claude.example", contextWindow: 1_000_000 },
};
const worker = await gateway({ upstreams, keys: [all.entry, small.entry] });
after(() => worker.close());

const listed = ["auto", name, ...ids, "claude"];
const anthropic = new Anthropic({ apiKey: all.text, baseURL: worker.url.href, maxRetries: 0 });
const openai = new OpenAI({ apiKey: all.text, baseURL: new URL("v1", worker.url).href, maxRetries: 0 });

/** @template {{id: string}} One @param {AsyncIterable<One>} list */
async function idsOf(list) {
  const found = [];
  for await (const { id } of list) found.push(id);
  return found;
}

test("OpenAI's library lists and reads the models", async () => {
  assert.deepEqual(await idsOf(openai.models.list()), listed);
  const one = await openai.models.retrieve(weak);
  assert.deepEqual(
    { ...one, created: undefined },
    { ...one, created: undefined, id: weak, object: "model", owned_by: "pointsman" },
  );
  assert.equal(one.created * 1000, SINCE);
  await assert.rejects(openai.models.retrieve("nobody"), (/** @type {any} */ { status, code }) => {
    assert.deepEqual([status, code], [404, "model_not_found"]);
    return true;
  });
});

test("Anthropic's library lists the models with names, dates and limits, in pages of any size", async () => {
  for (const limit of [undefined, 1, 2, 3, 1000]) {
    assert.deepEqual(await idsOf(anthropic.models.list({ limit })), listed, `${limit}`);
  }
  const page = await anthropic.models.list({ limit: 2, before_id: "claude" });
  assert.deepEqual(
    [page.data.map(({ id }) => id), page.has_more, page.first_id, page.last_id],
    [listed.slice(-3, -1), true, ...listed.slice(-3, -1)],
  );
  const backwards = [];
  for await (const { id } of anthropic.models.list({ limit: 2, before_id: "claude" })) backwards.push(id);
  assert.deepEqual(backwards.sort(), listed.slice(0, -1).sort());
  const one = await anthropic.models.retrieve(strong);
  assert.deepEqual(
    [one.type, one.display_name, one.lifecycle, one.max_input_tokens, one.max_tokens, Date.parse(one.created_at)],
    ["model", strong, "active", 200_000, 9000, SINCE],
  );
  await assert.rejects(anthropic.models.retrieve("nobody"), Anthropic.NotFoundError);
});

test("a model states its window under each name that clients read, and auto that of the largest candidate", async () => {
  const limits = async (/** @type {string} */ id, /** @type {import("./keys.mjs").Key} */ who) => {
    const one = await (await worker.get(`v1/models/${id}`, bearer(who))).json();
    assert.deepEqual([one.context_window, one.context_length], [one.max_input_tokens, one.max_input_tokens], id);
    assert.equal(one.max_output_tokens ?? null, one.max_tokens, id);
    return [one.max_input_tokens, one.max_tokens];
  };
  assert.deepEqual(await limits("claude", all), [1_000_000, null]);
  assert.deepEqual(await limits(weak, all), [8000, 4000]);
  assert.deepEqual(await limits("auto", all), [200_000, 4000]);
  assert.deepEqual(await limits("auto", small), [8000, 4000]);
});

test("parameters that cannot be read are refused, in the shape of the caller's API", async () => {
  for (const query of ["limit=0", "limit=1001", "limit=many", "limit=", "after_id=nobody", "before_id=nobody"]) {
    await refused(worker.get(`v1/models?${query}`, bearer(all)), 400, "parameter_ill_formed");
  }
  const error = await errorOf(await worker.get("v1/models?limit=many", bearer(all)));
  assert.match(error.message, /"limit" is "many": expected a whole number from 1 to 1000/);
  const other = await (await worker.get("v1/models?limit=0", { ...bearer(all), ...VERSION })).json();
  assert.deepEqual([other.type, other.error.type], ["error", "invalid_request_error"]);
  const ignored = await worker.get("v1/models?client_version=1&after_id=&x=%ff", bearer(all));
  assert.equal((await ignored.json()).data.length, listed.length);
});

test("a key sees the models that it may request, in pages too", async () => {
  const page = await (await worker.get(`v1/models?limit=2&after_id=auto`, bearer(small))).json();
  assert.deepEqual(
    page.data.map((/** @type {{id: string}} */ { id }) => id),
    [name, weak],
  );
  assert.equal(page.has_more, false);
  await refused(worker.get(`v1/models?after_id=${strong}`, bearer(small)), 400, "parameter_ill_formed");
});
