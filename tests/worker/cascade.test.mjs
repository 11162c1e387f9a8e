// The cascade: the small model answers first, the large one if that answer fails the check.

/** @import { SentHeaders } from "./gateway.mjs" */
/** @import { Answer } from "./stand-ins.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { alone, BUNDLE, decisionHeaders, drained, everyCandidateAt, gateway, refused } from "./gateway.mjs";
import { openai } from "./openai-stand-in.mjs";
import { breaking, status, text, upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const WEAK = { "x-pointsman-threshold": "1" };
const cascade = (check = {}) => ({ from: [weak], to: strong, check });
const retries = { most: 0 };

const small = await upstream();
const large = await upstream();
const upstreams = everyCandidateAt(small, {}, { [strong]: { baseUrl: large.url } });
const worker = await gateway({ upstreams, gateway: { cascade: cascade(), retries } });
after(async () => {
  await worker.close();
  await Promise.all([small.close(), large.close()]);
});

/**
 * Sends a request routed to the small model, which gives `answer`; the large one answers "Large."
 * @param {Answer} answer
 * @param {object} fields
 * @param {Pick<typeof worker, "chat">} on
 * @param {SentHeaders} headers
 */
async function ask(answer, fields = {}, on = worker, headers = WEAK) {
  small.does(answer);
  large.does(openai({ text: "Large." }));
  const response = await on.chat(fields, headers);
  const { model, cascade: outcome, attempts, cost } = decisionHeaders(response);
  return {
    response,
    model,
    outcome,
    attempts: Number(attempts),
    cost: Number(cost),
    calls: [small.requests.length, large.requests.length],
  };
}

test("an answer that passes the check reaches the caller", async () => {
  const { response, model, outcome, attempts, calls } = await ask(openai({ text: "Small." }));
  assert.deepEqual([response.status, model, outcome, attempts, calls], [200, weak, "accepted", 1, [1, 0]]);
  assert.equal((await response.json()).choices[0].message.content, "Small.");
});

const FAILING = {
  "a refusal": openai({ text: "I'm sorry, but I can't help with that." }),
  "another refusal": openai({ text: "I cannot assist with this request." }),
  "an answer cut off": openai({ text: "And so", finish: "length" }),
  "a filtered answer": openai({ text: "And so", finish: "content_filter" }),
  "an empty answer": openai({ text: "" }),
};
for (const [what, answer] of Object.entries(FAILING)) {
  test(`${what} is answered by the large model instead`, async () => {
    const { response, model, outcome, attempts, calls } = await ask(answer);
    assert.deepEqual([response.status, model, outcome, attempts, calls], [200, strong, "escalated", 2, [1, 1]]);
    assert.equal((await response.json()).choices[0].message.content, "Large.");
  });
}

test("words of refusal later in the text are not a refusal, and a tool call is not an empty answer", async () => {
  for (const answer of [
    openai({ text: "He said: I'm sorry, I can't help with that." }),
    openai({ tools: [{ id: "t", name: "look", arguments: "{}" }] }),
  ]) {
    assert.equal((await ask(answer)).outcome, "accepted");
  }
});

test("text that is not JSON escalates if the request asked for JSON", async () => {
  const fields = { response_format: { type: "json_object" } };
  assert.equal((await ask(openai({ text: "Sure: {}" }), fields)).outcome, "escalated");
  assert.equal((await ask(openai({ text: '{"a": 1}' }), fields)).outcome, "accepted");
  assert.equal((await ask(openai({ text: "Sure: {}" }))).outcome, "accepted");
});

test("the JSON that an Anthropic client asks for is checked too", async () => {
  const format = { type: "json_schema", schema: { type: "object", properties: {}, additionalProperties: false } };
  small.does(openai({ text: "Sure: {}" }));
  large.does(openai({ text: "{}" }));
  const messages = [{ role: "user", content: "JSON, please" }];
  for (const fields of [{ output_config: { format } }, { output_format: format }]) {
    const response = await worker.post("v1/messages", { model: "auto", max_tokens: 9, messages, ...fields }, WEAK);
    assert.equal(decisionHeaders(response).cascade, "escalated", await response.text());
  }
});

test("the cost is that of both calls", async () => {
  const accepted = await ask(openai({ text: "Small." }));
  const escalated = await ask(openai({ text: "" }));
  // 100 input and 50 output tokens, at 0.5 and 0.5, and at 10 and 30 dollars per million.
  assert.ok(Math.abs(accepted.cost - 0.000075) < 1e-9, String(accepted.cost));
  assert.ok(Math.abs(escalated.cost - 0.002575) < 1e-9, String(escalated.cost));
});

test("a small model that fails escalates too", async () => {
  for (const answer of [status(500), text("<h1>", "text/html"), breaking(['{"ch'], "application/json")]) {
    const { response, model, outcome } = await ask(answer);
    assert.deepEqual([response.status, model, outcome], [200, strong, "escalated"]);
  }
});

test("if the large model fails too, the caller gets the small one's answer", async () => {
  for (const fields of [{}, { stream: true }]) {
    small.does(openai({ text: "And so", finish: "length" }));
    large.does(status(500));
    const response = await worker.chat(fields, WEAK);
    assert.deepEqual(
      [response.status, decisionHeaders(response).model, decisionHeaders(response).attempts],
      [200, weak, "2"],
    );
    assert.match(await response.text(), /And/);
  }
});

test("a stream is held until it has passed the check, and then sent unchanged", async () => {
  const { response, model, outcome } = await ask(openai({ text: "Small and streamed." }), { stream: true });
  assert.deepEqual([model, outcome], [weak, "accepted"]);
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  const direct = await fetch(`${small.url}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "x", messages: [], stream: true }),
  });
  assert.deepEqual(await drained(response), { text: await direct.text(), whole: true });
});

test("nothing of a stream that fails the check reaches the client", async () => {
  for (const answer of [
    openai({ text: "I'm sorry, but I can't help." }),
    openai({ text: "cut", finish: "length" }),
    breaking(['data: {"choices": [{"index": 0, "delta": {"content": "Half"}}]}\n\n']),
  ]) {
    const { response, model, outcome } = await ask(answer, { stream: true });
    assert.deepEqual([model, outcome], [strong, "escalated"]);
    const { text: came, whole } = await drained(response);
    assert.ok(whole && came.includes("Large.") && came.includes("[DONE]"));
    assert.doesNotMatch(came, /sorry|cut|Half/);
  }
});

test("only requests routed to a small model are checked", async () => {
  const strongest = await ask(openai(), {}, worker, { "x-pointsman-threshold": "0" });
  assert.deepEqual([strongest.model, strongest.outcome, strongest.calls], [strong, undefined, [0, 1]]);
  const named = await ask(openai({ text: "" }), { model: weak });
  assert.deepEqual([named.model, named.outcome, named.calls], [weak, undefined, [1, 0]]);
});

test("a header turns the cascade off and on", async (t) => {
  const off = await ask(openai({ text: "" }), {}, worker, { ...WEAK, "x-pointsman-cascade": "off" });
  assert.deepEqual([off.model, off.outcome], [weak, undefined]);
  const on = await ask(openai({ text: "" }), {}, worker, { ...WEAK, "x-pointsman-cascade": "on" });
  assert.equal(on.outcome, "escalated");
  const without = await alone(t, { upstreams, gateway: { retries } });
  assert.equal((await ask(openai({ text: "" }), {}, without)).outcome, undefined);
});

test("no request escalates to a large model that the caller may not use", async () => {
  const { model, outcome, calls } = await ask(openai({ text: "" }), {}, worker, {
    ...WEAK,
    "x-pointsman-exclude": strong,
  });
  assert.deepEqual([model, outcome, calls], [weak, undefined, [1, 0]]);
});

test("the configuration selects the rules", async (t) => {
  const check = { leastCharacters: 10, refusals: false, finished: false, json: false, leastMeanLogprob: -1 };
  const one = await alone(t, { upstreams, gateway: { cascade: cascade(check), retries } });
  const outcome = async (/** @type {Answer} */ answer, /** @type {object | undefined} */ fields = undefined) =>
    (await ask(answer, fields, one)).outcome;
  assert.equal(await outcome(openai({ text: "Too short" })), "escalated");
  assert.equal(await outcome(openai({ text: "I'm sorry, but I can't help with that.", finish: "length" })), "accepted");
  assert.equal(
    await outcome(openai({ text: "No JSON at all" }), { response_format: { type: "json_object" } }),
    "accepted",
  );
  assert.equal(await outcome(openai({ text: "Hardly sure of it", logprob: -2 })), "escalated");
  assert.equal(await outcome(openai({ text: "Quite sure of it.", logprob: -0.1 })), "accepted");
});

test("the cascade works on /v1/messages and /v1/responses", async () => {
  /** @type {[path: string, body: object][]} */
  const bodies = [
    ["messages", { max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }],
    ["responses", { input: "Hi" }],
  ];
  /** @type {[answer: Answer, model: string, outcome: string][]} */
  const outcomes = [
    [openai({ text: "Small." }), weak, "accepted"],
    [openai({ text: "I'm sorry, but I can't help with that." }), strong, "escalated"],
  ];
  for (const [path, body] of bodies) {
    for (const [answer, model, outcome] of outcomes) {
      small.does(answer);
      large.does(openai({ text: "Large." }));
      const response = await worker.post(`v1/${path}`, { model: "auto", ...body }, WEAK);
      const found = decisionHeaders(response);
      assert.deepEqual([found.model, found.cascade], [model, outcome], `${path}: ${await response.text()}`);
    }
  }
});

test("a cascade with an unknown model, or from a model to itself, is a configuration error", async (t) => {
  for (const wrong of [
    { from: ["nobody"], to: strong },
    { from: [weak], to: "nobody" },
    { from: [weak], to: weak },
  ]) {
    const one = await alone(t, { upstreams, gateway: { cascade: wrong } });
    await refused(one.chat(), 500, "config_invalid");
  }
});
