// Ten thousand requests, valid and invalid, to upstreams that work or fail: each is answered once and
// correctly, and the Worker's memory does not grow.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decisionHeaders, drained, eventsIn, everyCandidateAt, gateway } from "./gateway.mjs";
import { drawn, misbehaving, residentOfWorkerd, seeded } from "./soak.mjs";
import { upstream } from "./stand-ins.mjs";

const REQUESTS = 10_000;
const AT_ONCE = 32;
/** Permitted growth of the wasm memory in the second half, in bytes: a leak of 1 KiB per request exceeds it. */
const WASM_GROWTH = 4 << 20;
/**
 * Permitted growth of workerd in the second half, in bytes. Behind miniflare it grows by some 16 KiB per request
 * with an empty Worker and by up to twice that with this one; a leak adds to that.
 */
const GROWTH = (REQUESTS / 2) * (64 << 10);
const QUERIES = [
  "Hello",
  "Prove that there exists a prime number between n and 2n.",
  "3.14159 * 2 = ?",
  "yes, do it",
  "日本 🚀 é",
];

test("each request gets one well-formed answer, with the number of attempts that the upstream counted", {
  timeout: 180_000,
}, async (t) => {
  const { answer, calls } = misbehaving();
  const there = await upstream(answer);
  const worker = await gateway({
    upstreams: everyCandidateAt(there),
    main: "../../tests/worker/soak-worker.mjs",
    gateway: {
      retries: { most: 2, baseMs: 1, longestMs: 5 },
      breaker: { failures: 1_000_000 },
      timeouts: { headersMs: 20_000, firstByteMs: 20_000, idleMs: 5000 },
    },
  });
  t.after(async () => {
    await worker.close();
    await there.close();
  });
  const random = seeded(20261122);
  /** @type {Record<string, number>} */
  const counts = {};
  let next = 0;

  /** @param {number} end */
  async function oneAfterAnother(end) {
    while (next < end) {
      const request = drawn(next, random);
      const content = QUERIES[next % QUERIES.length];
      next += 1;
      await checked(request, content);
      // The stand-in's record of requests must not grow either.
      there.requests.length = 0;
      calls.delete(request.id);
    }
  }

  /** @param {ReturnType<typeof drawn>} request @param {string} content */
  async function checked({ id, name, stream, expected }, content) {
    const fields = { soak: `${id} ${name}`, stream, messages: [{ role: "user", content }] };
    const what = `${id} ${name}${stream ? " streamed" : ""}`;
    const response = await worker.chat(fields, { "x-request-id": id });
    const { text } = await drained(response);
    counts[name] = (counts[name] ?? 0) + 1;
    assert.equal(response.status, expected.status, `${what}: ${text}`);
    assert.equal(response.headers.get("x-request-id"), id);
    assert.equal(calls.get(id), expected.calls, `${what}: calls upstream`);
    assert.equal(Number(decisionHeaders(response).attempts), expected.calls, `${what}: x-pointsman-attempts`);
    if (response.status !== 200) {
      const { error } = JSON.parse(text);
      assert.deepEqual([typeof error.message, typeof error.type], ["string", "string"], what);
    } else if (!stream) {
      assert.equal(JSON.parse(text).choices[0].message.content, "Soaked.");
    } else {
      const last = eventsIn(text).at(-1);
      if (expected.code) assert.equal(last.error.code, expected.code, what);
      else assert.equal(last, "[DONE]", what);
    }
  }

  const until = (/** @type {number} */ end) => Promise.all(Array.from({ length: AT_ONCE }, () => oneAfterAnother(end)));
  await until(REQUESTS / 2);
  const wasmBytes = async () => (await worker.get("memory")).json();
  const wasmBefore = await wasmBytes();
  const before = residentOfWorkerd();
  await until(REQUESTS);
  const wasmAfterwards = await wasmBytes();
  const afterwards = residentOfWorkerd();
  assert.equal(
    Object.values(counts).reduce((sum, count) => sum + count, 0),
    REQUESTS,
  );
  assert.ok(Object.keys(counts).length >= 11, `every kind came: ${JSON.stringify(counts)}`);
  assert.equal((await worker.get("healthz")).status, 200);
  t.diagnostic(`wasm memory: ${wasmBefore} bytes after half, ${wasmAfterwards} at the end`);
  assert.ok(
    wasmAfterwards - wasmBefore <= WASM_GROWTH,
    `wasm memory grew from ${wasmBefore} to ${wasmAfterwards} bytes`,
  );
  if (before === undefined || afterwards === undefined)
    return t.diagnostic("no /proc here: workerd's memory was not checked");
  t.diagnostic(`workerd: ${(before / 1e6).toFixed(0)} MB after half, ${(afterwards / 1e6).toFixed(0)} MB at the end`);
  assert.ok(afterwards - before < GROWTH, `workerd grew from ${before} to ${afterwards} bytes`);
});
