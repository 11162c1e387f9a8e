// What clients of both APIs read of an upstream's error: its words and status, whatever shape it has, and
// what follows from them: fallbacks, no useless retries.

/** @import { Answer } from "./stand-ins.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createDeflate, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";

import { BUNDLE, decisionHeaders, errorOf, gateway, refused } from "./gateway.mjs";
import { chunk, event, openai } from "./openai-stand-in.mjs";
import { deferred, inTurn, status, text, upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
const there = await upstream();
const other = await upstream();
const settings = { retries: { most: 2, baseMs: 1, longestMs: 5 }, breaker: { failures: 1000 } };
const upstreams = {
  [weak]: { baseUrl: there.url, contextWindow: 8000 },
  [strong]: { baseUrl: there.url, model: "s", contextWindow: 8000, fallbacks: ["same", "larger"] },
  same: { baseUrl: other.url, model: "same", contextWindow: 8000 },
  larger: { baseUrl: other.url, model: "larger", contextWindow: 9000 },
  claude: { api: "anthropic", baseUrl: there.url, model: "claude-there" },
};
const worker = await gateway({ upstreams, gateway: settings });
after(async () => {
  await worker.close();
  await Promise.all([there.close(), other.close()]);
});

const message = (/** @type {object} */ fields = {}) =>
  worker.post("v1/messages", {
    model: weak,
    max_tokens: 9,
    messages: [{ role: "user", content: "Hello" }],
    ...fields,
  });
const words = "the temperature is out of range";
/** @type {[what: string, body: unknown, type?: string][]} */
const SHAPES = [
  ["OpenAI", { error: { message: words, type: "invalid_request_error", param: null, code: null } }],
  ["a text as error", { error: words }],
  ["Hugging Face", { error: [words], error_type: "validation" }],
  ["Google", [{ error: { code: 400, message: words, status: "INVALID_ARGUMENT" } }]],
  ["FastAPI", { detail: words }],
  ["FastAPI, of a field", { detail: [{ type: "x", loc: ["body", "temperature"], msg: words }] }],
  ["vLLM", { object: "error", message: words, type: "BadRequestError", param: null, code: 400 }],
  ["Mistral", { object: "error", message: { detail: [{ loc: ["body", "temperature"], msg: words }] } }],
  ["AWS", { Message: words }],
  ["Cloudflare", { success: false, errors: [{ code: 7009, message: words }], result: null }],
  ["problem details", { type: "about:blank", title: "Bad Request", detail: words, status: 400 }],
  ["words without JSON", words, "text/plain"],
];

for (const [who, body, type = "application/json"] of SHAPES) {
  test(`the words of an error of ${who} reach both kinds of client with its status`, async () => {
    there.does(status(400, { "content-type": type }, typeof body === "string" ? body : JSON.stringify(body)));
    for (const stream of [false, true]) {
      const answer = await worker.chat({ model: weak, stream });
      assert.equal(answer.status, 400);
      assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
      const { error } = await answer.json();
      assert.match(error.message, new RegExp(words));
      assert.deepEqual(Object.keys(error).sort(), ["code", "message", "param", "type"]);
      const anthropic = await message({ stream });
      const told = await anthropic.json();
      assert.deepEqual([anthropic.status, told.type, told.error.type], [400, "error", "invalid_request_error"]);
      assert.match(told.error.message, new RegExp(words));
    }
  });
}

test("an object error passes byte for byte, a page says only its status", async () => {
  const body = `{"error":  {"message": "${words}", "extra": 1.10}}`;
  there.does(status(422, {}, body));
  assert.equal(await (await worker.chat({ model: weak })).text(), body);
  there.does(status(400, { "content-type": "text/html", "retry-after": "7" }, `<h1>${words}</h1>`));
  const page = await worker.chat({ model: weak });
  assert.equal(page.headers.get("retry-after"), "7");
  const error = await errorOf(page);
  assert.ok(error.code === "upstream_error" && !error.message.includes(words), error.message);
});

const OVERFLOWS = [
  { detail: "This model's maximum context length is 4096 tokens." },
  { error: { message: "Your input exceeds the context window of this model.", type: "x", param: null, code: null } },
  {
    error: { code: 400, message: "the request exceeds the available context size", type: "exceed_context_size_error" },
  },
];
test("a context overflow is recognisable to both kinds of client", async () => {
  for (const body of OVERFLOWS) {
    there.does(status(400, {}, JSON.stringify(body)));
    const error = await errorOf(await worker.chat({ model: weak }));
    assert.deepEqual([error.status, error.code], [400, "context_length_exceeded"]);
    const anthropic = await message();
    const told = await anthropic.json();
    assert.deepEqual([anthropic.status, told.error.type], [400, "invalid_request_error"]);
    assert.match(told.error.message, /^prompt is too long: /);
  }
});

test("a context overflow goes to a fallback with a larger window alone", async () => {
  for (const code of [400, 413]) {
    there.does(status(code, {}, JSON.stringify(OVERFLOWS[0])));
    other.does(openai());
    const answer = await worker.chat({ model: strong });
    assert.deepEqual([answer.status, decisionHeaders(answer).model, there.requests.length], [200, "larger", 1]);
    assert.deepEqual(
      other.requests.map(({ json }) => json.model),
      ["larger"],
    );
  }
});

test("an account without credit and x-should-retry: false are not asked again, and the header is passed on", async () => {
  const quota = JSON.stringify({ error: { message: "Empty", type: "insufficient_quota", code: "insufficient_quota" } });
  /** @type {Answer[]} */
  const answers = [
    status(429, { "x-should-retry": "false" }, quota),
    status(429, {}, quota),
    status(503, { "x-should-retry": "false" }),
  ];
  for (const [at, answer] of answers.entries()) {
    there.does(answer);
    other.does(openai());
    const alone = await worker.chat({ model: weak });
    assert.deepEqual([alone.status, there.requests.length], [at < 2 ? 429 : 503, 1]);
    assert.equal(alone.headers.get("x-should-retry"), at === 1 ? null : "false");
    assert.equal(decisionHeaders(await worker.chat({ model: strong })).model, "same");
  }
});

test("a refusal of the gateway's key or account with status 400 is not the caller's", async () => {
  for (const said of ["API key not valid. Please pass a valid API key.", "Your credit balance is too low"]) {
    there.does(status(400, {}, JSON.stringify({ error: { message: said } })));
    other.does(openai());
    const error = await refused(worker.chat({ model: weak }), 502, "upstream_refused");
    assert.ok(!error.message.includes(said));
    assert.equal((await worker.chat({ model: strong })).status, 200);
  }
});

test("an error as a stream's first event keeps its status, words and code", async () => {
  const error = { message: "the window is 4096 tokens", type: "x", code: 400 };
  const long = { message: "maximum context length is 9", type: "x", code: "context_length_exceeded" };
  /** @type {[body: object, status: number, code: string][]} */
  const cases = [
    [{ error }, 400, "upstream_error"],
    [{ error: long }, 400, "context_length_exceeded"],
    [{ object: "error", message: "a bad request", code: 422 }, 422, "upstream_error"],
  ];
  for (const [body, code, expected] of cases) {
    there.does(text(event(body), "text/event-stream"));
    const told = await errorOf(await worker.chat({ model: weak, stream: true }));
    assert.deepEqual([told.status, told.code, there.requests.length], [code, expected, 1]);
    assert.equal((await message({ stream: true })).status, code);
  }
});

test("a 200 that reports an error is one: failed responses, choices that are errors", async () => {
  /** @type {[path: string, body: object, answer: object][]} */
  const cases = [
    [
      "v1/responses",
      { input: "Hi" },
      { status: "failed", output: [], error: { code: "server_error", message: "No." } },
    ],
    ["v1/chat/completions", { messages: [] }, { choices: [{ finish_reason: "error", error: { message: "No." } }] }],
    ["v1/chat/completions", { messages: [] }, { success: false, errors: [{ message: "No." }] }],
  ];
  for (const [path, body, answer] of cases) {
    there.does(text(JSON.stringify(answer)));
    const failed = await worker.post(path, { model: weak, ...body });
    assert.deepEqual([failed.status, (await failed.json()).error.message], [502, "No."]);
    there.does(inTurn(text(JSON.stringify(answer)), openai()));
    assert.equal((await worker.post(path, { model: weak, ...body })).status, 200);
  }
});

const packed = JSON.stringify({
  id: "c",
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: "Packed." }, finish_reason: "stop" }],
});
/** @type {[encoding: string, bytes: Uint8Array][]} */
const PACKED = [
  ["deflate", deflateSync(packed)],
  ["deflate", deflateRawSync(packed)],
  ["X-GZIP", gzipSync(packed)],
  ["identity", Buffer.from(packed)],
];
for (const [encoding, bytes] of PACKED) {
  test(`an answer in ${encoding} of ${bytes.length} bytes is decoded`, async () => {
    there.does((_, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-encoding": encoding });
      response.end(bytes);
    });
    const answer = await worker.chat({ model: weak });
    assert.match(await answer.text(), /Packed/);
    assert.equal(answer.status, 200);
  });
}

test("a compressed answer has the bound of any answer, and a compressed stream is passed on event by event", async () => {
  there.does((_, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "deflate" });
    response.end(deflateSync(Buffer.alloc(40 << 20, " ")));
  });
  const error = await refused(worker.chat({ model: weak }), 502, "upstream_bad_answer");
  assert.match(error.message, /longer than 16777216 bytes/);
  const packer = createDeflate();
  const [first, ...rest] = [
    chunk({ content: "One" }),
    chunk({ content: " two" }, { finish_reason: "stop" }),
    event("[DONE]"),
  ];
  const read = deferred();
  there.does(async (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": "deflate" });
    packer.pipe(response);
    packer.write(first);
    packer.flush();
    await read.promise;
    packer.end(rest.join(""));
  });
  const answer = await worker.chat({ model: weak, stream: true });
  let came = "";
  for await (const piece of answer.body ?? []) {
    came += Buffer.from(piece).toString();
    if (came.includes("One")) read.resolve();
  }
  assert.equal(came, [first, ...rest].join(""));
});

test("an answer in an encoding that cannot be decoded is a 502 that names it", async () => {
  for (const code of [200, 400]) {
    there.does((_, response) => {
      response.writeHead(code, { "content-type": "application/json", "content-encoding": "zstd" });
      response.end(zstdCompressSync(packed));
    });
    const error = await errorOf(await worker.chat({ model: weak }));
    assert.deepEqual([error.status, /content-encoding "?zstd/.test(error.message)], [code === 200 ? 502 : 400, true]);
  }
});
