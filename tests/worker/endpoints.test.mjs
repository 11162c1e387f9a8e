// The endpoints responses, completions and embeddings: the text that is rated and the body that the
// upstream receives. anthropic.test.mjs tests /v1/messages, flywheel.test.mjs /v1/feedback.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { BUNDLE, decisionHeaders, drained, everyCandidateAt, gateway, refused } from "./gateway.mjs";
import { openai } from "./openai-stand-in.mjs";
import { errorIn200, inTurn, status, upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;

const there = await upstream();
const upstreams = {
  ...everyCandidateAt(there),
  vectors: { baseUrl: there.url, model: "vectors-there", inputPrice: 1, outputPrice: 0 },
  claude: { api: "anthropic", baseUrl: there.url },
};
// Two requests of one query are decided alike while nothing is learnt from them.
const routing = { learnShares: false };
const worker = await gateway({ upstreams, gateway: { retries: { baseMs: 1 }, routing } });
after(async () => {
  await worker.close();
  await there.close();
});

/**
 * Bodies of an endpoint with this text.
 * @satisfies {Record<string, ((text: string) => object)[]>}
 */
const BODIES = {
  responses: [
    (/** @type {string} */ input) => ({ model: "auto", input }),
    (/** @type {string} */ text) => ({
      model: "auto",
      instructions: "Be brief.",
      input: [
        { role: "developer", content: "Aside" },
        { role: "user", content: [{ type: "input_text", text }] },
      ],
    }),
  ],
  completions: [
    (/** @type {string} */ prompt) => ({ model: "auto", prompt }),
    (/** @type {string} */ prompt) => ({ model: "auto", prompt: [prompt], max_tokens: 7 }),
  ],
};

for (const [path, bodies] of Object.entries(BODIES)) {
  test(`${path} is routed by the user's text and changes only the model`, async () => {
    there.does(openai({ text: "Rome." }));
    for (const body of bodies) {
      for (const text of [
        "Hello",
        "What is the capital city of the country?",
        "Prove that there exists a prime number between n and 2n.",
      ]) {
        const { winRate, model } = await (await worker.post("v1/route", { query: text })).json();
        const response = await worker.post(`v1/${path}`, body(text));
        assert.equal(response.status, 200, await response.clone().text());
        assert.ok((await response.text()).includes("Rome."));
        const found = decisionHeaders(response);
        assert.equal(found.model, model);
        assert.ok(Math.abs(Number(found["win-rate"]) - winRate) < 1e-5);
        const sent = there.last();
        assert.equal(sent.path, `/v1/${path}`);
        assert.deepEqual(sent.json, { ...body(text), model: `${model}-there` });
      }
    }
  });

  test(`${path} passes on the upstream's events`, async () => {
    there.does(openai({ text: "One two three." }));
    // A routed response's ids have a tag.
    const body = { ...bodies[0]("Hello"), model: weak, stream: true };
    const direct = await fetch(`${there.url}/${path}`, { method: "POST", body: JSON.stringify(body) });
    const response = await worker.post(`v1/${path}`, body);
    assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
    const { text, whole } = await drained(response);
    assert.ok(whole);
    const timeless = (/** @type {string} */ events) => events.replaceAll(/"model":"[^"]*"/g, "");
    assert.equal(timeless(text), timeless(await direct.text()));
  });

  test(`${path} is retried and refused like chat`, async () => {
    there.does(inTurn(status(503), openai()));
    assert.equal(decisionHeaders(await worker.post(`v1/${path}`, bodies[0]("Hello"))).attempts, "2");
    there.does(status(422));
    assert.equal((await worker.post(`v1/${path}`, bodies[0]("Hello"))).status, 422);
    await refused(worker.post(`v1/${path}`, {}), 400, "model_missing");
    await refused(worker.post(`v1/${path}`, { ...bodies[0]("Hello"), model: "nobody" }), 404, "model_not_found");
    await refused(worker.post(`v1/${path}`, { ...bodies[0]("Hello"), model: "claude" }), 400, "not_translatable");
  });
}

test("a 200 with a failed response is an upstream error", async () => {
  there.does(inTurn(errorIn200, openai()));
  const response = await worker.post("v1/responses", BODIES.responses[0]("Hello"));
  assert.deepEqual([response.status, decisionHeaders(response).attempts], [200, "2"]);
});

test("a response whose error is null is passed on", async () => {
  there.does(openai());
  const response = await worker.post("v1/responses", BODIES.responses[0]("Hello"));
  assert.equal((await response.json()).error, null);
  assert.equal(decisionHeaders(response).attempts, "1");
});

test("embeddings go to the model named, at its price", async () => {
  there.does(openai());
  const body = { model: "vectors", input: ["one", "two"], dimensions: 3 };
  const response = await worker.post("v1/embeddings", body);
  const { data } = await response.json();
  assert.deepEqual(
    data.map((/** @type {{embedding: number[]}} */ { embedding }) => embedding),
    [
      [0.25, -0.5, 0.125],
      [0.25, -0.5, 0.125],
    ],
  );
  const { model, reason, cost } = decisionHeaders(response);
  assert.deepEqual([model, reason], ["vectors", "requested"]);
  assert.ok(Math.abs(Number(cost) - 0.0001) < 1e-9, cost);
  assert.deepEqual(there.requests[0].json, { ...body, model: "vectors-there" });
});

test("embeddings are never routed", async () => {
  there.does(openai());
  for (const model of ["auto", `router-${BUNDLE.kind}-0.5`]) {
    await refused(worker.post("v1/embeddings", { model, input: "x" }), 404, "model_not_found");
  }
  await refused(worker.post("v1/embeddings", { model: "claude", input: "x" }), 400, "not_translatable");
  assert.equal(there.requests.length, 0);
});

test("system text is rated if the configuration says so", async (t) => {
  /** @type {[path: string, body: object][]} */
  const conversations = [
    [
      "chat/completions",
      {
        messages: [
          { role: "system", content: "prove it" },
          { role: "user", content: "hi" },
        ],
      },
    ],
    ["responses", { instructions: "prove it", input: "hi" }],
    ["messages", { max_tokens: 10, system: "prove it", messages: [{ role: "user", content: "hi" }] }],
  ];
  there.does(openai());
  /** @type {(one: typeof worker, query: string) => Promise<number>} */
  const rate = async (one, query) => (await (await one.post("v1/route", { query })).json()).winRate;
  const withSystem = await gateway({ upstreams, gateway: { routing: { system: true } } });
  t.after(() => withSystem.close());
  const [plain, joined] = [await rate(worker, "hi"), await rate(worker, "prove it\n\nhi")];
  assert.ok(Math.abs(plain - joined) > 0.01, "the two texts must differ for this test to say anything");
  /** @type {[one: typeof worker, expected: number][]} */
  const rates = [
    [worker, plain],
    [withSystem, joined],
  ];
  for (const [path, body] of conversations) {
    for (const [one, expected] of rates) {
      const found = Number(decisionHeaders(await one.post(`v1/${path}`, { model: "auto", ...body }))["win-rate"]);
      assert.ok(Math.abs(found - expected) < 1e-5, `${path}: ${found}, expected ${expected}`);
    }
  }
});

test("threshold 0 selects the strong candidate and 1 the weak one on every endpoint", async () => {
  there.does(openai());
  /** @type {[path: string, body: object][]} */
  const requests = [
    ["responses", BODIES.responses[0]("Hi")],
    ["completions", BODIES.completions[0]("Hi")],
    ["chat/completions", { model: "auto", messages: [{ role: "user", content: "Hi" }] }],
  ];
  for (const [path, body] of requests) {
    for (const [threshold, model] of [
      ["0", strong],
      ["1", weak],
    ]) {
      assert.equal(
        decisionHeaders(await worker.post(`v1/${path}`, body, { "x-pointsman-threshold": threshold })).model,
        model,
      );
    }
  }
});
