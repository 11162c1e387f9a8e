// When a streamed answer begins, ends and stays alive: streams of every media type, ends that do not wait for
// the upstream's connection, comments and pings in silence, events longer than the limit, last events that
// clients read.

/** @import { Answer } from "./stand-ins.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import OpenAI from "openai";

import { alone, decisionHeaders, drained, eventsIn, gateway, refused } from "./gateway.mjs";
import { chunk, event, openai } from "./openai-stand-in.mjs";
import { breaking, deferred, pieces, text, upstream } from "./stand-ins.mjs";

const there = await upstream();
const upstreams = { plain: { baseUrl: there.url }, claude: { api: "anthropic", baseUrl: there.url } };
const worker = await gateway({
  upstreams,
  gateway: { retries: { most: 0 }, breaker: { failures: 1000 }, timeouts: { keepAliveMs: 40 } },
});
after(async () => {
  await worker.close();
  await there.close();
});

const begun = [chunk({ role: "assistant", content: "" }), chunk({ content: "Fine." })];
const ended = chunk({}, { finish_reason: "stop" });
const usage = event({ id: "c", choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } });
const DONE = event("[DONE]");
const created = event(
  { type: "response.created", sequence_number: 3, response: { id: "resp_1", model: "m", created_at: 9, output: [] } },
  "response.created",
);
const chat = (/** @type {object} */ fields = {}) => worker.chat({ model: "plain", stream: true, ...fields });
const message = (/** @type {object} */ fields = {}) =>
  worker.post("v1/messages", {
    model: "plain",
    max_tokens: 9,
    stream: true,
    messages: [{ role: "user", content: "Hello" }],
    ...fields,
  });

for (const type of [
  "Text/Event-Stream",
  "text/event-stream;charset=UTF-8",
  "text/plain",
  "application/json",
  "application/octet-stream",
  "",
]) {
  for (const mark of ["", "\ufeff", ": hello\r\n\r\n", "\r\n"]) {
    test(`a stream under the type ${JSON.stringify(type)} that begins with ${JSON.stringify(mark)} is one`, async () => {
      const body = `${mark}${begun.join("")}${ended}${DONE}`.replaceAll("\n", mark.includes("\r") ? "\r\n" : "\n");
      there.does((_, response) => {
        response.writeHead(200, type ? { "content-type": type } : {});
        response.end(body.replaceAll("\r\r\n", "\r\n"));
      });
      const answer = await chat();
      assert.match(answer.headers.get("content-type") ?? "", /^text\/event-stream/);
      assert.match(await answer.text(), /\[DONE\]/);
      assert.match(await (await message()).text(), /"text":"Fine\."[\s\S]*message_stop/);
    });
  }
}

test("a stream that nobody asked for is refused by name, whole JSON under a stream's type is an answer", async () => {
  there.does(text(begun.join("") + DONE, "text/event-stream"));
  const error = await refused(worker.chat({ model: "plain" }), 502, "upstream_bad_answer");
  assert.match(error.message, /stream of events, though the request asks for none/);
  const whole = {
    id: "c",
    object: "chat.completion",
    choices: [{ index: 0, message: { content: "Whole." }, finish_reason: "stop" }],
  };
  there.does(text(JSON.stringify(whole), "text/event-stream"));
  const answer = await worker.chat({ model: "plain" });
  assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
  assert.equal((await answer.json()).choices[0].message.content, "Whole.");
});

/** Keeps the connection open after these pieces. @type {(list: string[], gone: () => void) => Answer} */
const holding = (list, gone) => (_, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const piece of list) response.write(piece);
  const comments = setInterval(() => response.write(": alive\n\n"), 100);
  response.on("close", () => {
    clearInterval(comments);
    gone();
  });
};
const claude = [
  event(
    {
      type: "message_start",
      message: {
        id: "msg_1",
        type: "message",
        role: "assistant",
        model: "c",
        content: [],
        usage: { input_tokens: 1, output_tokens: 1 },
      },
    },
    "message_start",
  ),
  event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } }, "message_delta"),
  event({ type: "message_stop" }, "message_stop"),
];
const completed = event(
  { type: "response.completed", response: { id: "resp_1", status: "completed", output: [] } },
  "response.completed",
);

/** @type {[what: string, list: string[], ask: () => Promise<Response>, last: RegExp][]} */
const ENDS = [
  ["[DONE]", [...begun, ended, DONE], chat, /\[DONE\]\n\n$/],
  ["[DONE], for a client of Anthropic's", [...begun, ended, DONE], message, /message_stop[^\n]*\n\n$/],
  ["message_stop", claude, () => message({ model: "claude" }), /message_stop[^\n]*\n\n$/],
  ["message_stop, for a client of OpenAI's", claude, () => chat({ model: "claude" }), /\[DONE\]\n\n$/],
  [
    "response.completed",
    [created, completed],
    () => worker.post("v1/responses", { model: "plain", input: "Hi", stream: true }),
    /response\.completed[^\n]*\n\n$/,
  ],
];
for (const [what, list, ask, last] of ENDS) {
  test(`an answer ends with ${what} and the upstream's call is aborted, though its connection stays open`, async () => {
    const gone = deferred();
    there.does(holding(list, () => gone.resolve()));
    const { text: came, whole } = await drained(await ask());
    assert.deepEqual([whole, last.test(came), /"error":\{/.test(came)], [true, true, false], came);
    await gone.promise;
  });
}

test("an answer without [DONE] ends some seconds after its last event, with its usage and its last events", async () => {
  const gone = deferred();
  there.does(holding([...begun, ended, usage], () => gone.resolve()));
  const { text: came, whole } = await drained(await message());
  assert.equal(whole, true);
  const [delta, stop] = eventsIn(came).slice(-2);
  assert.deepEqual([delta.usage.output_tokens, stop.type], [2, "message_stop"]);
  await gone.promise;
});

test("a client gets comments or pings while the upstream is silent, and never within an event", async () => {
  const half = begun[1].slice(0, 20);
  /** @type {Answer} */
  const slow = async (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const piece of [begun[0], half, begun[1].slice(20), ended, DONE]) {
      response.write(piece);
      await new Promise((next) => setTimeout(next, 150));
    }
    response.end();
  };
  for (const [ask, kept] of /** @type {const} */ ([
    [chat, /: ping\n\n/],
    [message, /event: ping\ndata: \{"type": "ping"\}\n\n/],
  ])) {
    there.does(slow);
    const { text: came, whole } = await drained(await ask());
    assert.ok(whole && kept.test(came), came);
    const bare = came.replaceAll(/: ping\n\n|event: ping\ndata: .*\n\n/g, "");
    assert.ok(
      eventsIn(bare).every((data) => typeof data === "object" || data === "[DONE]"),
      bare,
    );
  }
});

test("comments in front of the first event reach a client of another API, as comments", async () => {
  there.does(async (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": wait\n\n");
    await new Promise((next) => setTimeout(next, 300));
    response.end([...begun, ended, DONE].join(""));
  });
  const { text: came } = await drained(await message());
  assert.match(came, /^: ping\n\n/);
  assert.ok(came.indexOf("event: ping") === -1 || came.indexOf("event: ping") > came.indexOf("message_start"), came);
});

test("keepAliveMs 0 sends nothing into silence", async (t) => {
  const quiet = await alone(t, { upstreams, gateway: { timeouts: { keepAliveMs: 0 } } });
  there.does(async (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(begun[0]);
    await new Promise((next) => setTimeout(next, 200));
    response.end([begun[1], ended, DONE].join(""));
  });
  const { text: came } = await drained(await quiet.chat({ model: "plain", stream: true }));
  assert.equal(came, [...begun, ended, DONE].join(""));
});

test("what a client's library throws for an error in mid-stream has the upstream's words, and no secret", async (t) => {
  const keyed = await alone(t, {
    upstreams: { plain: { baseUrl: there.url, keySecret: "KEY" } },
    secrets: { KEY: "sk-secret-0123456789" },
  });
  const error = { message: "out of memory, says sk-secret-0123456789", type: "server_error", code: null };
  there.does(pieces([...begun, event({ error })]));
  const client = new OpenAI({ apiKey: "x", baseURL: new URL("v1", keyed.url).href, maxRetries: 0 });
  const stream = await client.chat.completions.create({
    model: "plain",
    stream: true,
    messages: [{ role: "user", content: "Hello" }],
  });
  await assert.rejects(
    async () => {
      for await (const part of stream) void part;
    },
    (/** @type {any} */ thrown) =>
      thrown instanceof OpenAI.APIError && /^out of memory/.test(thrown.message) && !/sk-secret/.test(thrown.message),
  );
});

test("a Responses stream that breaks off ends with error and response.failed, which OpenAI's library notices", async () => {
  for (const list of [[created], [created, event({ error: { message: "out of memory" } })]]) {
    there.does(list.length > 1 ? pieces(list) : breaking(list));
    const { text: came } = await drained(
      await worker.post("v1/responses", { model: "plain", input: "Hi", stream: true }),
    );
    const [error, failed] = eventsIn(came).slice(-2);
    assert.deepEqual([error.type, failed.type, failed.response.status], ["error", "response.failed", "failed"]);
    assert.deepEqual([failed.response.id, failed.response.created_at, failed.sequence_number], ["resp_1", 9, 5]);
    assert.deepEqual([failed.response.error.message, failed.response.error.code], [error.message, error.code]);
    assert.match(error.message, list.length > 1 ? /^out of memory$/ : /broke off/);
    const client = new OpenAI({ apiKey: "x", baseURL: new URL("v1", worker.url).href, maxRetries: 0 });
    await assert.rejects(client.responses.stream({ model: "plain", input: "Hi" }).finalResponse(), OpenAI.APIError);
  }
});

test("an event with a picture of 9 MiB passes, and its usage is read", async (t) => {
  const budgeted = await alone(t, { upstreams: { plain: { ...upstreams.plain, inputPrice: 1, outputPrice: 1 } } });
  const result = "A".repeat(9 << 20);
  const last = event(
    {
      type: "response.completed",
      response: {
        id: "resp_1",
        status: "completed",
        output: [{ result }],
        usage: { input_tokens: 1, output_tokens: 1 },
      },
    },
    "response.completed",
  );
  there.does(pieces([created, last]));
  const answer = await budgeted.post("v1/responses", { model: "plain", input: "Draw", stream: true });
  const { text: came, whole } = await drained(answer);
  assert.ok(whole && came === created + last, `${came.length} bytes`);
  assert.equal(decisionHeaders(answer).attempts, "1");
  const image = chunk({
    content: "",
    images: [{ image_url: { url: `data:image/png;base64,${result.slice(0, 2 << 20)}` } }],
  });
  there.does(pieces([begun[0], image, ended, DONE]));
  const streamed = await drained(await budgeted.chat({ model: "plain", stream: true }));
  assert.ok(streamed.text === [begun[0], image, ended, DONE].join(""), `${streamed.text.length} bytes`);
  there.does(openai());
});
