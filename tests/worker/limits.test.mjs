// What a request or an upstream may cost an isolate: the memory of the largest bodies, of answers that are held
// back, and of answers that never end.

/** @import { Answer } from "./stand-ins.mjs" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { DEFAULT, readJson } from "../hosts/paths.mjs";
import { anthropic } from "./anthropic-stand-in.mjs";
import {
  alone,
  BUNDLE,
  decisionHeaders,
  drained,
  errorOf,
  eventsIn,
  everyCandidateAt,
  HURRIED,
  refused,
} from "./gateway.mjs";
import { LARGE_BODIES, sent } from "./large-bodies.mjs";
import { chunk, event, openai } from "./openai-stand-in.mjs";
import { endless, pieces, text, until, upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;
/** The most wasm memory in bytes: half of what an isolate of Workers may have. */
const MOST = 64 << 20;
const MEMORY = "../../tests/worker/soak-worker.mjs";

const there = await upstream();
const claude = await upstream(anthropic());
after(() => Promise.all([there.close(), claude.close()]));

/** @param {import("node:test").TestContext} t @param {object} options */
async function measured(t, options) {
  const worker = await alone(t, { main: MEMORY, ...options });
  return { worker, memory: async () => (await worker.get("memory")).json() };
}

test("no body of up to 16 MiB takes more than 64 MiB of wasm memory, whatever its shape", {
  timeout: 240_000,
}, async (t) => {
  there.does(openai());
  const at = { baseUrl: there.url, contextWindow: 1e9 };
  /** @type {{candidates: {id: string}[]}} */
  const { candidates } = readJson(`${DEFAULT}/router.json`);
  const upstreams = {
    ...Object.fromEntries(candidates.map(({ id }) => [id, at])),
    plain: at,
    claude: { ...at, baseUrl: claude.url, api: "anthropic" },
  };
  const { worker, memory } = await measured(t, { bundle: DEFAULT, upstreams });
  for (const [name, large] of Object.entries(LARGE_BODIES)) {
    const { body, headers } = sent(large);
    const response = await worker.send("POST", large.path, body, headers);
    await response.text();
    assert.ok(response.status < 500, `${name}: ${response.status}`);
    const found = await memory();
    assert.ok(found <= MOST, `${name}: ${found} bytes`);
    there.requests.length = 0;
    claude.requests.length = 0;
  }
  assert.equal((await worker.chat({ model: "plain" })).status, 200);
});

test("honest bodies of 15 MiB are served, with their bytes unchanged", async (t) => {
  there.does(openai());
  const { worker } = await measured(t, {
    upstreams: { plain: { baseUrl: there.url }, claude: { baseUrl: claude.url, api: "anthropic" } },
  });
  for (const [name, to] of /** @type {const} */ ([
    ["an image", there],
    ["an image, translated for Anthropic's API", claude],
    ["an image on /v1/messages", claude],
    ["an image on /v1/messages, translated for OpenAI's API", there],
    ["a text", there],
  ])) {
    const { path, model, body } = LARGE_BODIES[name];
    const sent = body(model);
    assert.equal((await worker.post(path, sent)).status, 200, name);
    const content = name === "a text" ? "word ".repeat(3_000_000) : "A".repeat(15 << 20);
    assert.ok(sent.includes(content) && to.last().body.includes(content), name);
  }
});

test("a stream that is held for the check is passed on from 4 MiB on", async (t) => {
  const { worker, memory } = await measured(t, {
    upstreams: everyCandidateAt(there),
    gateway: { ...HURRIED, cascade: { from: [weak], to: strong } },
  });
  let sent = 0;
  const piece = chunk({ content: "word ".repeat(20_000) });
  there.does((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const more = setInterval(() => {
      if (response.writableLength > 1 << 20 || sent > 40 << 20) return;
      response.write(piece);
      sent += piece.length;
    }, 1);
    response.on("close", () => clearInterval(more));
  });
  const response = await worker.chat({ model: "auto:threshold:1", stream: true });
  assert.deepEqual([response.status, decisionHeaders(response).cascade], [200, "unchecked"]);
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  let read = 0;
  while (read < 8 << 20) read += (await reader.read()).value?.length ?? 8 << 20;
  await reader.cancel();
  assert.ok((await memory()) <= MOST, `${await memory()}`);
});

test("comments without an event are not held back", async (t) => {
  const { worker, memory } = await measured(t, { upstreams: everyCandidateAt(there), gateway: HURRIED });
  there.does(endless(`: ${"x".repeat(60_000)}\n\n`));
  const response = await worker.chat({ model: strong, stream: true });
  assert.equal(response.status, 200);
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  let read = 0;
  while (read < 4 << 20) read += (await reader.read()).value?.length ?? 4 << 20;
  await reader.cancel();
  assert.ok((await memory()) <= MOST);
});

test("answers and events have a longest length, and answers of many values cost little", {
  timeout: 120_000,
}, async (t) => {
  const { worker, memory } = await measured(t, {
    upstreams: {
      plain: { baseUrl: there.url },
      claude: { baseUrl: there.url, api: "anthropic" },
    },
    gateway: { ...HURRIED, retries: { most: 0 } },
  });
  const bomb = (/** @type {number} */ mebibytes) =>
    `{"choices":[],"content":[],"x":[${'{"":0},'.repeat((mebibytes << 20) / 7)}1]}`;
  there.does(text(bomb(15)));
  assert.equal((await worker.chat({ model: "plain" })).status, 200);
  for (const [model, answer] of /** @type {[string, Answer][]} */ ([
    ["plain", text(bomb(17))],
    ["claude", text(bomb(7))],
    ["claude", text(bomb(9))],
  ])) {
    there.does(answer);
    await refused(worker.chat({ model }), 502, "upstream_bad_answer");
  }
  const long = event({ choices: [{ delta: { content: "x".repeat(2 << 20) } }] });
  for (const model of ["plain", "claude"]) {
    there.does(pieces([long]));
    const response = await worker.chat({ model, stream: true });
    const { text: body } = await drained(response);
    assert.ok(response.status === 502 || eventsIn(body).at(-1).error.code === "upstream_broke_off", body.slice(0, 200));
  }
  const dense = event({ type: "ping", choices: [], x: Array(200_000).fill({}) });
  there.does(pieces([dense, chunk({ content: "Hi" }), chunk({}, { finish_reason: "stop" }), event("[DONE]")]));
  assert.equal((await worker.chat({ model: "plain", stream: true })).status, 200);
  assert.ok((await memory()) <= MOST, `${await memory()}`);
});

test("an upstream's error is cut", async (t) => {
  const { worker } = await measured(t, {
    upstreams: everyCandidateAt(there),
    gateway: { ...HURRIED, retries: { most: 0 } },
  });
  const message = "no ".repeat(100_000);
  there.does((_, response) => {
    response.writeHead(400, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: { message, type: "x", code: "x" } }));
  });
  const response = await worker.chat({ model: strong });
  const body = await response.text();
  assert.ok(response.status === 400 && body.length <= 64 << 10, `${response.status}, ${body.length}`);
});

test("a timeout is not repeated at the same upstream, and all calls together end at timeouts.totalMs", async (t) => {
  const never = () => new Promise(() => {});
  const { worker } = await measured(t, {
    upstreams: { ...everyCandidateAt(there, { fallbacks: ["second"] }), second: { baseUrl: there.url } },
    gateway: { ...HURRIED, timeouts: { headersMs: 300 } },
  });
  there.does(never);
  await refused(worker.chat({ model: strong }), 504, "upstream_timeout");
  assert.equal(there.requests.length, 2);
  const { worker: hurried } = await measured(t, {
    upstreams: { ...everyCandidateAt(there, { fallbacks: ["second"] }), second: { baseUrl: there.url } },
    gateway: { ...HURRIED, timeouts: { totalMs: 300 } },
  });
  there.does(never);
  const { status, code } = await errorOf(await hurried.chat({ model: strong }));
  assert.deepEqual([status, code, there.requests.length], [504, "total_timeout", 1]);
});

test("a stalled client does not make an upstream's answer grow in memory", async (t) => {
  const { worker, memory } = await measured(t, { upstreams: everyCandidateAt(there), gateway: HURRIED });
  there.does(endless(chunk({ content: "word ".repeat(10_000) })));
  const response = await worker.chat({ model: strong, stream: true });
  await until(() => there.requests.length > 0);
  await new Promise((next) => setTimeout(next, 1500));
  assert.ok((await memory()) <= MOST);
  await response.body?.cancel();
});
