// `RouterWorker` in Chromium: batches, cancelling, URLs relative to the page, a thread that fails.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { assertExpected, EXPECTED } from "./expected.mjs";
import { pagesForTests } from "./in-page.mjs";
import { ASK } from "./page.mjs";

const { inPage } = await pagesForTests(after);
// biome-ignore lint/suspicious/noTemplateCurlyInString: code that runs in the page
const queries = "Array.from({ length: 400 }, (_, i) => `Query number ${i}`)";

test("RouterWorker decides as the sources do, and its info is the bundle's manifest", async () => {
  const { value, said } = await inPage(`
    const thread = await RouterWorker.load();
    const router = await Router.load();
    const same = JSON.stringify(await thread.info()) === JSON.stringify(router.info());
    const embedding = await thread.embed("Hi");
    return { same, length: embedding instanceof Float32Array && embedding.length, decision: await thread.route${ASK} };`);
  assertExpected(value.decision);
  assert.equal(value.same, true);
  assert.ok(value.length > 0);
  assert.deepEqual(said, []);
});

test("a batch returns every row in order and reports progress", async () => {
  const { value } = await inPage(`
    const thread = await RouterWorker.load();
    const router = await Router.load();
    const inputs = [...${queries}, "", undefined];
    const heard = [];
    const rows = await thread.routeBatch(inputs, {}, { onProgress: (progress) => heard.push(progress) });
    const wanted = router.routeBatch(inputs);
    const models = (rows) => rows.map(({ decision, error }) => decision?.model ?? error.code).join();
    return { same: models(rows) === models(wanted), count: rows.length, last: heard.at(-1), calls: heard.length };`);
  assert.deepEqual([value.same, value.count, value.last], [true, 402, { done: 402, total: 402 }]);
  assert.ok(value.calls > 2);
});

test("a cancelled batch rejects with the signal's reason, and the thread keeps working", async () => {
  const { value } = await inPage(`
    const thread = await RouterWorker.load();
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error("enough"));
    const reason = await thread.routeBatch(${queries}, {}, { signal: controller.signal, onProgress }).catch(({ message }) => message);
    return { reason, model: (await thread.route${ASK}).model };`);
  assert.deepEqual(value, { reason: "enough", model: EXPECTED.model });
});

test("a URL is relative to the page, not to the thread's script", async () => {
  const { value, message } = await inPage(`
    const thread = await RouterWorker.load("./package/pkg/default-bundle.bin", { wasm: "./package/pkg/pointsman_bg.wasm" });
    return thread.route${ASK};`);
  assertExpected(value ?? message);
});

test("progress of loading the bundle reaches the page", async () => {
  const { value } = await inPage(`
    const heard = [];
    await RouterWorker.load(undefined, { onProgress: (progress) => heard.push(progress) });
    return heard.at(-1);`);
  assert.ok(value.loaded > 1_000_000);
  assert.equal(value.loaded, value.total);
});

test("a script that fails in the thread rejects the load and pending calls, without other errors", async () => {
  const failing = "data:text/javascript,onmessage = () => { throw new Error('broken on purpose'); }";
  const answer = await inPage(`await RouterWorker.load(undefined, { worker: ${JSON.stringify(failing)} });`);
  assert.deepEqual([answer.typed, answer.code], [true, "worker_failed"]);
  assert.match(answer.message ?? "", /broken on purpose/);
  assert.deepEqual(answer.said, []);
});

test("free() rejects pending calls with their code", async () => {
  const { value } = await inPage(`
    const thread = await RouterWorker.load();
    const pending = thread.route("Hi").catch(({ code }) => code);
    thread.free();
    return [await pending, await thread.info().catch(({ code }) => code)];`);
  assert.deepEqual(value, ["router_freed", "router_freed"]);
});
