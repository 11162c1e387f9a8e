// `RouterWorker` in Node: it decides as Router does, and its end rejects all pending calls.

import assert from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

import { Router } from "pointsman";
import { RouterWorker } from "pointsman/worker";

import { bundleFiles, TINY } from "../hosts/paths.mjs";
import { tar } from "../hosts/tar.mjs";
import { PACKAGE } from "./packed.mjs";
import { refused, untyped } from "./refused.mjs";

const QUERY = "What is the capital of Italy?";
const files = bundleFiles(TINY);
const router = await Router.load(files);
const expected = router.route(QUERY);
const scratch = await mkdtemp(join(tmpdir(), "pointsman-thread-"));
after(() => rm(scratch, { recursive: true }));

test("RouterWorker decides as Router does", async () => {
  const thread = await RouterWorker.load(files);
  assert.deepEqual(await thread.route(QUERY), expected);
  assert.deepEqual(
    await thread.route([{ role: "user", content: QUERY }], { threshold: 0 }),
    router.route(QUERY, { threshold: 0 }),
  );
  assert.deepEqual(await thread.embed(QUERY), router.embed(QUERY));
  assert.deepEqual(await thread.info(), router.info());
  thread.free();
});

test("concurrent calls each get their own answer", async () => {
  const thread = await RouterWorker.load(files);
  const queries = Array.from({ length: 50 }, (_, i) => `Query number ${i}: ${"why ".repeat(i)}`);
  const decisions = await Promise.all(queries.map((query) => thread.route(query)));
  assert.deepEqual(
    decisions,
    queries.map((query) => router.route(query)),
  );
  thread.free();
});

test("a bundle loads from every kind of source, with paths relative to the process", async () => {
  const archive = join(scratch, "bundle.tar");
  await writeFile(archive, tar(files));
  const sources = [
    TINY,
    relative(process.cwd(), TINY),
    pathToFileURL(archive),
    tar(files),
    new Blob([tar(files)]),
    files,
  ];
  for (const source of sources) {
    const thread = await RouterWorker.load(source);
    assert.deepEqual(await thread.route(QUERY), expected);
    thread.free();
  }
  assert.ok(files["model.onnx"].length > 0, "the caller's bytes are not detached");
});

test("load reports progress, and an abort signal cancels it", async () => {
  /** @type {import("pointsman").LoadProgress[]} */
  const heard = [];
  const thread = await RouterWorker.load(TINY, { onProgress: (progress) => heard.push(progress) });
  thread.free();
  const last = heard.at(-1);
  assert.ok(last && last.loaded === last.total);
  const reason = new Error("enough");
  await assert.rejects(RouterWorker.load(TINY, { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const loading = RouterWorker.load(TINY, { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 1);
  await assert.rejects(loading, reason);
  const fault = new Error("mine");
  const onProgress = () => {
    throw fault;
  };
  await assert.rejects(RouterWorker.load(TINY, { onProgress }), fault);
});

test("errors have the class and code that Router throws", async () => {
  await refused(RouterWorker.load(join(scratch, "nowhere")), "file_unreadable");
  await refused(RouterWorker.load({ ...files, "model.onnx": new Uint8Array(3) }), "bundle_wrong_size");
  await refused(RouterWorker.load(untyped(42)), "argument_source");
  await refused(RouterWorker.load(untyped(() => files)), "argument_source");
  await refused(RouterWorker.load(files, untyped(42)), "argument_options");
  await refused(RouterWorker.load(files, untyped({ worker: 42 })), "argument_options");
  await refused(RouterWorker.load(files, { wasm: join(scratch, "nowhere.wasm") }), "wasm_missing");
  assert.throws(() => new (untyped(RouterWorker))(), { code: "argument_source" });
  const thread = await RouterWorker.load(files);
  await refused(thread.route(untyped(undefined)), "argument_query");
  await refused(thread.route(""), "query_empty");
  await refused(thread.route(QUERY, { threshold: 2 }), "policy_out_of_range");
  await refused(thread.embed(untyped(42)), "argument_query");
  await refused(thread.routeBatch([QUERY], {}, untyped({ onProgress: 1 })), "argument_options");
  await refused(thread.routeBatch([QUERY], {}, untyped(null)), "argument_options");
  assert.deepEqual(await thread.route(QUERY), expected, "the thread keeps working");
  thread.free();
});

test("a batch reports progress, and cancelling rejects at once while the thread keeps working", async () => {
  const thread = await RouterWorker.load(files);
  const queries = Array.from({ length: 500 }, (_, i) => `${QUERY} ${i}`);
  /** @type {{done: number, total: number}[]} */
  const heard = [];
  const rows = await thread.routeBatch(queries, {}, { onProgress: (progress) => heard.push(progress) });
  assert.equal(rows.length, queries.length);
  assert.deepEqual(heard.at(-1), { done: 500, total: 500 });
  assert.ok(heard.length > 2 && heard.every(({ done }, i) => i === 0 || done > heard[i - 1].done));
  const controller = new AbortController();
  const reason = new Error("enough");
  let done = 0;
  const cancelled = thread.routeBatch(
    queries,
    {},
    {
      signal: controller.signal,
      onProgress: (progress) => {
        done = progress.done;
        controller.abort(reason);
      },
    },
  );
  await assert.rejects(cancelled, reason);
  assert.ok(done < queries.length, "the batch stopped early");
  await assert.rejects(thread.routeBatch([], {}, { signal: AbortSignal.abort(reason) }), reason);
  assert.deepEqual(await thread.route(QUERY), expected);
  thread.free();
});

test("free() rejects pending and later calls, and may be called again", async () => {
  const thread = await RouterWorker.load(files);
  const pending = [thread.route(QUERY), thread.info(), thread.routeBatch([QUERY, QUERY])];
  thread.free();
  thread.free();
  for (const promise of pending) await refused(promise, "router_freed");
  await refused(thread.route(QUERY), "router_freed");
  await refused(thread.embed(QUERY), "router_freed");
});

test("the end of a thread rejects all pending calls with a code", async () => {
  const worker = new Worker(join(PACKAGE, "src/entry/node/worker-thread.js"), { execArgv: [] });
  const thread = await RouterWorker.load(files, { worker });
  const pending = [thread.route(QUERY), thread.routeBatch([QUERY])];
  await worker.terminate();
  for (const promise of pending) await refused(promise, "worker_failed");
  await refused(thread.route(QUERY), "worker_failed");
});

test("the error for a thread that fails at its start names its script", async () => {
  const broken = join(scratch, "broken.mjs");
  await writeFile(broken, 'throw new Error("broken on purpose");');
  await refused(
    RouterWorker.load(files, { worker: pathToFileURL(broken) }),
    "worker_failed",
    /broken on purpose.*pointsman\/worker-thread/,
  );
  await refused(RouterWorker.load(files, { worker: join(scratch, "nowhere.mjs") }), "worker_failed");
});

test("the thread's module may be at another URL, as bundlers place it", async () => {
  const place = join(scratch, "elsewhere");
  await mkdir(join(place, "lib"), { recursive: true });
  const { build } = await import("esbuild");
  await build({
    entryPoints: [join(PACKAGE, "src/entry/node/worker-thread.js")],
    outfile: join(place, "lib/thread.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "silent",
  });
  const wasm = join(place, "engine.wasm");
  await copyFile(join(PACKAGE, "pkg/pointsman_bg.wasm"), wasm);
  const thread = await RouterWorker.load(files, { worker: join(place, "lib/thread.mjs"), wasm });
  assert.equal((await thread.route(QUERY)).model, expected.model);
  thread.free();
});
