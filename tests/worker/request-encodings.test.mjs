// Compressed request bodies: decompressed within the bound of a body's length, or refused by name.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";

import { alone, BUNDLE, chatBody, everyCandidateAt, gateway, postAlone, refused } from "./gateway.mjs";
import { openai } from "./openai-stand-in.mjs";
import { upstream } from "./stand-ins.mjs";

const { weak } = BUNDLE;
const MiB = 1 << 20;

const there = await upstream();
const upstreams = { ...everyCandidateAt(there), vectors: { baseUrl: there.url } };
const worker = await gateway({ upstreams });
after(async () => {
  await worker.close();
  await there.close();
});

const chat = JSON.stringify(chatBody({ model: weak, seed: 7, note: "é🚋" }));
/** @type {(path: string, body: Uint8Array | string, encoding: string) => Promise<Response>} */
const send = (path, body, encoding) => worker.send("POST", path, body, { "content-encoding": encoding });

test("a compressed body reaches the upstream as if it had not been", async () => {
  there.does(openai());
  for (const [encoding, body] of /** @type {[string, Uint8Array | string][]} */ ([
    ["gzip", gzipSync(chat)],
    ["x-gzip", gzipSync(chat)],
    ["GZIP, identity", gzipSync(chat)],
    ["deflate", deflateSync(chat)],
    ["deflate", deflateSync(chat, { level: 0 })],
    ["deflate", deflateRawSync(chat)],
    ["identity", chat],
    ["", chat],
  ])) {
    const response = await send("v1/chat/completions", body, encoding);
    assert.equal(response.status, 200, `${encoding}: ${await response.text()}`);
    const { json, headers } = there.last();
    assert.deepEqual(json, { ...JSON.parse(chat), model: `${weak}-there` });
    assert.equal(headers["content-encoding"], undefined);
  }
});

test("every endpoint with a body takes a compressed one", async () => {
  there.does(openai());
  const messages = [{ role: "user", content: "Hello" }];
  for (const [path, body] of /** @type {[string, object][]} */ ([
    ["v1/messages", { model: weak, max_tokens: 9, messages }],
    ["v1/responses", { model: weak, input: "Hello" }],
    ["v1/completions", { model: weak, prompt: "Hello" }],
    ["v1/embeddings", { model: "vectors", input: "Hello" }],
    ["v1/route", { query: "Hello" }],
  ])) {
    const response = await send(path, gzipSync(JSON.stringify(body)), "gzip");
    assert.equal(response.status, 200, `${path}: ${await response.text()}`);
  }
});

test("a body that arrives in pieces of any size is decompressed whole", async () => {
  there.does(openai());
  const long = JSON.stringify(chatBody({ model: weak, note: randomBytes(300_000).toString("base64") }));
  for (const [encoding, packed] of /** @type {[string, Uint8Array][]} */ ([
    ["gzip", gzipSync(long)],
    ["deflate", deflateSync(long)],
    ["deflate", deflateRawSync(long)],
  ])) {
    for (const size of [7777, 100_000]) {
      const pieces = [packed.subarray(0, 1), packed.subarray(1, 3)];
      for (let at = 3; at < packed.length; at += size) pieces.push(packed.subarray(at, at + size));
      const response = await postAlone(new URL("v1/chat/completions", worker.url), pieces, {
        "content-encoding": encoding,
      });
      assert.equal(response.status, 200, await response.text());
      assert.equal(there.last().json.note, JSON.parse(long).note);
    }
  }
});

test("another encoding is refused by name", async () => {
  there.does(openai());
  for (const [encoding, body] of /** @type {[string, Uint8Array | string][]} */ ([
    ["br", brotliCompressSync(chat)],
    ["zstd", chat],
    ["gzip, gzip", gzipSync(gzipSync(chat))],
    ["deflate, br", chat],
  ])) {
    const { message } = await refused(send("v1/chat/completions", body, encoding), 415, "encoding_unsupported");
    assert.ok(message.includes(JSON.stringify(encoding)) && message.includes("gzip, deflate"), message);
  }
  const response = await send("v1/messages", chat, "br");
  const { type, error } = await response.json();
  assert.deepEqual([response.status, type, error.type], [415, "error", "invalid_request_error"]);
  assert.equal(there.requests.length, 0);
});

test("a body that is not what its encoding says is the caller's fault", async () => {
  there.does(openai());
  const packed = gzipSync(chat);
  const wrong = Buffer.from(packed);
  wrong[wrong.length - 6] ^= 0xff;
  for (const [encoding, body] of /** @type {[string, Uint8Array | string][]} */ ([
    ["gzip", chat],
    ["gzip", packed.subarray(0, packed.length - 20)],
    ["gzip", packed.subarray(0, 5)],
    ["gzip", Buffer.concat([packed, Buffer.from("more")])],
    ["gzip", wrong],
    ["gzip", deflateSync(chat)],
    ["deflate", packed],
    ["deflate", deflateSync(chat).subarray(0, 30)],
  ])) {
    const { message } = await refused(send("v1/chat/completions", body, encoding), 400, "body_not_decompressed");
    assert.ok(message.includes(encoding), message);
  }
  await refused(send("v1/chat/completions", "", "gzip"), 400, "body_not_json");
  await refused(send("v1/chat/completions", gzipSync("{"), "gzip"), 400, "body_not_json");
  await refused(send("v1/chat/completions", gzipSync(Buffer.from([0xff])), "gzip"), 400, "body_not_utf8");
  assert.equal(there.requests.length, 0);
  assert.equal((await send("v1/chat/completions", packed, "gzip")).status, 200);
});

test("the longest body counts decompressed, and compressed too", async (t) => {
  there.does(openai());
  const limit = 100_000;
  const small = await alone(t, { upstreams, gateway: { maxBodyBytes: limit } });
  /** @type {(body: Uint8Array, encoding?: string) => Promise<Response>} */
  const sent = (body, encoding = "gzip") =>
    small.send("POST", "v1/chat/completions", body, { "content-encoding": encoding });
  const of = (/** @type {number} */ length) => {
    const frame = JSON.stringify(chatBody({ model: weak, note: "" })).length;
    return JSON.stringify(chatBody({ model: weak, note: "x".repeat(length - frame) }));
  };
  assert.equal((await sent(gzipSync(of(limit)))).status, 200);
  await refused(sent(gzipSync(of(limit + 1))), 413, "body_too_large");
  await refused(sent(deflateRawSync(of(limit + 1)), "deflate"), 413, "body_too_large");
  // Stored blocks of no bytes: a body that never becomes longer.
  const empty = Buffer.alloc(5 * 50_000, Buffer.from([0, 0, 0, 0xff, 0xff]));
  await refused(sent(empty, "deflate"), 413, "body_too_large");
});

test("a body that would become huge is refused, and costs little wasm memory", { timeout: 60_000 }, async (t) => {
  there.does(openai());
  const one = await alone(t, { upstreams, main: "../../tests/worker/soak-worker.mjs" });
  const memory = async () => (await one.get("memory")).json();
  await (await one.chat({ model: weak })).text();
  const before = await memory();
  const bomb = gzipSync(Buffer.alloc(300 * MiB, " "));
  const answers = [0, 1, 2].map(() => one.send("POST", "v1/chat/completions", bomb, { "content-encoding": "gzip" }));
  for (const answer of answers) await refused(answer, 413, "body_too_large");
  const grown = (await memory()) - before;
  assert.ok(grown < MiB, `${grown} bytes`);
  assert.equal((await one.chat({ model: weak })).status, 200);
});
