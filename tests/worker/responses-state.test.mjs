// Conversations of the Responses API over upstreams of which each knows its own responses alone.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import OpenAI from "openai";

import { alone, BUNDLE, decisionHeaders, drained, eventsIn, gateway, refused } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { event } from "./openai-stand-in.mjs";
import { status, text, upstream } from "./stand-ins.mjs";

/** @import { Answer } from "./stand-ins.mjs" */

const { strong, weak } = BUNDLE;
const to = (/** @type {string} */ model) => ({ "x-pointsman-threshold": model === strong ? "0" : "1" });

/**
 * Stores its responses, refuses ids that it did not make, and reads its own encrypted reasoning alone.
 * @param {string} name
 * @returns {Answer}
 */
function storing(name) {
  /** @type {Set<string>} */
  const known = new Set();
  return (request, response, body, number) => {
    const asked = JSON.parse(body);
    /** @type {{type: string, id: string, encrypted_content: string}[]} */
    const items = Array.isArray(asked.input) ? asked.input : [];
    const made = [
      asked.previous_response_id,
      ...items.flatMap(({ type, id }) => (type === "item_reference" ? id : [])),
    ];
    const unknown = made.find((id) => id && !known.has(id));
    const foreign = items.some((item) => item.type === "reasoning" && item.encrypted_content !== `sealed by ${name}`);
    if (unknown || foreign) return status(400)(request, response, body, number);
    const at = known.size / 3;
    const ids = [`resp_${name}_${at}`, `rs_${name}_${at}`, `msg_${name}_${at}`];
    for (const id of ids) known.add(id);
    const output = [
      { type: "reasoning", id: ids[1], summary: [], encrypted_content: `sealed by ${name}` },
      {
        type: "message",
        id: ids[2],
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: `I am ${name}.`, annotations: [] }],
      },
    ];
    const answer = {
      id: ids[0],
      object: "response",
      status: "completed",
      model: name,
      previous_response_id: asked.previous_response_id ?? null,
      output,
      usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
    };
    if (!asked.stream) return text(JSON.stringify(answer))(request, response, body, number);
    const message = { ...output[1], status: "in_progress", content: [] };
    const place = { item_id: ids[2], output_index: 1, content_index: 0 };
    const events = [
      { type: "response.created", response: { ...answer, status: "in_progress", output: [], usage: null } },
      { type: "response.output_item.added", output_index: 0, item: { ...output[0], encrypted_content: null } },
      { type: "response.output_item.done", output_index: 0, item: output[0] },
      { type: "response.output_item.added", output_index: 1, item: message },
      { type: "response.content_part.added", ...place, part: { type: "output_text", text: "", annotations: [] } },
      { type: "response.output_text.delta", ...place, delta: `I am ${name}.` },
      { type: "response.output_item.done", output_index: 1, item: output[1] },
      { type: "response.completed", response: answer },
    ];
    const stream = events.map((data) => event(data, data.type)).join("");
    return text(stream, "text/event-stream")(request, response, body, number);
  };
}

const [one, other] = [await upstream(), await upstream()];
const upstreams = { [weak]: { baseUrl: one.url }, [strong]: { baseUrl: other.url } };
const worker = await gateway({ upstreams });
after(async () => {
  await worker.close();
  await Promise.all([one.close(), other.close()]);
});

function forget() {
  one.does(storing("weak"));
  other.does(storing("strong"));
}

/** @param {object} body @param {import("./gateway.mjs").SentHeaders} [headers] */
async function ask(body, headers) {
  const response = await worker.post("v1/responses", { model: "auto", ...body }, headers);
  const answer = await response.json();
  assert.equal(response.status, 200, JSON.stringify(answer));
  const { model, reason } = decisionHeaders(response);
  return { answer, model, reason };
}

test("a follow-up goes to the model that keeps the response, however hard it is", async () => {
  forget();
  for (const [first, second] of [
    [weak, strong],
    [strong, weak],
  ]) {
    const { answer } = await ask({ input: "Hello" }, to(first));
    assert.match(answer.id, /^resp_pm[0-9a-f]{12}_(weak|strong)_/);
    const next = await ask({ input: "And now?", previous_response_id: answer.id }, to(second));
    assert.deepEqual([next.model, next.reason], [first, "pinned"]);
    assert.equal(next.answer.previous_response_id, answer.id);
    const output = [{ type: "function_call_output", call_id: "c", output: "7" }];
    const third = await ask({ input: output, previous_response_id: next.answer.id }, to(second));
    assert.deepEqual([third.model, third.reason], [first, "pinned"]);
    const reference = { type: "item_reference", id: answer.output[1].id };
    const fourth = await ask({ input: [reference, { role: "user", content: "So?" }] }, to(second));
    assert.deepEqual([fourth.model, fourth.reason], [first, "pinned"]);
    assert.equal(
      (first === weak ? one : other).last().json.input[0].id,
      answer.output[1].id.replace(/pm[0-9a-f]+_/, ""),
    );
  }
});

test("a session does not take a follow-up away from the model that keeps the response", async (t) => {
  forget();
  const ann = key("ann");
  const worker = await alone(t, { upstreams, keys: [ann.entry], ledger: true });
  const headers = { ...bearer(ann), "x-pointsman-session": "s" };
  let previous;
  for (const model of [weak, strong, weak]) {
    const body = { model: "auto", input: "Hello", ...(previous ? { previous_response_id: previous } : {}) };
    const response = await worker.post("v1/responses", body, { ...headers, ...to(model) });
    assert.deepEqual([response.status, decisionHeaders(response).model], [200, weak]);
    previous = (await response.json()).id;
  }
});

test("streamed ids have the tag too", async () => {
  forget();
  const response = await worker.post("v1/responses", { model: "auto", input: "Hello", stream: true }, to(weak));
  const events = eventsIn((await drained(response)).text);
  const last = events.at(-1).response;
  const ids = [events[0].response.id, last.id];
  assert.match(ids[0], /^resp_pm[0-9a-f]{12}_weak_0$/);
  assert.equal(ids[1], ids[0]);
  const made = events.flatMap(({ item, item_id: id }) => item?.id ?? id ?? []);
  const [reasoning, message] = last.output.map((/** @type {{id: string}} */ { id }) => id);
  assert.deepEqual(made, [reasoning, reasoning, message, message, message, message]);
  assert.equal(events[2].item.encrypted_content, last.output[0].encrypted_content);
  const next = await ask({ input: "And now?", previous_response_id: ids[0] }, to(strong));
  assert.deepEqual([next.model, next.reason], [weak, "pinned"]);
});

test("a conversation that is sent whole may change its model, and leaves the other one's reasoning behind", async () => {
  forget();
  const { answer } = await ask({ input: "Hello" }, to(weak));
  const input = [{ role: "user", content: "Hello" }, ...answer.output, { role: "user", content: "And now?" }];
  assert.equal((await ask({ input }, to(strong))).model, strong);
  const [question, message, last] = other.last().json.input;
  assert.deepEqual([question, last], [input[0], input[3]]);
  const { id, ...kept } = answer.output[1];
  assert.deepEqual(message, kept);
  assert.match(id, /^msg_pm/);
  assert.equal((await ask({ input }, to(weak))).model, weak);
  assert.deepEqual(one.last().json.input[1], {
    type: "reasoning",
    id: "rs_weak_0",
    summary: [],
    encrypted_content: "sealed by weak",
  });
});

test("a named model's answers keep their bytes, and it gets ids without tags", async () => {
  forget();
  const { answer } = await ask({ input: "Hello" }, to(weak));
  const named = await ask({ model: weak, input: "And now?", previous_response_id: answer.id });
  assert.deepEqual([named.answer.id, named.answer.previous_response_id], ["resp_weak_1", "resp_weak_0"]);
  await refused(
    worker.post("v1/responses", { model: strong, input: "x", previous_response_id: answer.id }),
    400,
    "stand_in_400",
  );
});

test("a response of a model that is not served any more is refused by name", async (t) => {
  forget();
  const { answer } = await ask({ input: "Hello" }, to(weak));
  const moved = await alone(t, { upstreams: { ...upstreams, [weak]: { baseUrl: other.url } } });
  const body = { model: "auto", input: "x", previous_response_id: answer.id };
  const error = await refused(moved.post("v1/responses", body), 404, "response_not_found");
  assert.equal(error.param, "previous_response_id");
  assert.match(error.message, /is not served here any more/);
  const excluded = worker.post("v1/responses", body, { "x-pointsman-exclude": weak });
  await refused(excluded, 403, "model_not_allowed");
});

test("no other upstream is called as a fallback for what one alone has stored", async (t) => {
  forget();
  const { answer } = await ask({ input: "Hello" }, to(weak));
  const worker = await alone(t, {
    upstreams: { ...upstreams, [weak]: { baseUrl: one.url, fallbacks: [strong] } },
    gateway: { retries: { most: 0 } },
  });
  one.does(status(500));
  const body = { model: "auto", input: "Hello" };
  assert.equal((await worker.post("v1/responses", body, to(weak))).status, 200);
  other.does(storing("strong"));
  const next = await worker.post("v1/responses", { ...body, previous_response_id: answer.id }, to(weak));
  assert.deepEqual([next.status, other.requests.length], [500, 0]);
});

test("OpenAI's client goes on from a streamed response", async () => {
  forget();
  const client = new OpenAI({ apiKey: "none", baseURL: new URL("v1", worker.url).href, maxRetries: 0 });
  const stream = client.responses.stream({ model: "auto", input: "Hello" }, { headers: to(weak) });
  const first = await stream.finalResponse();
  const second = await client.responses.create(
    { model: "auto", input: "And now?", previous_response_id: first.id },
    { headers: to(strong) },
  );
  assert.equal(second.output_text, "I am weak.");
});
