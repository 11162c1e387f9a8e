// Bundles in R2: loaded without a deployment, refused if a hash is wrong, replaced by earlier ones.

/** @import { TestContext } from "node:test" */
/** @import { Gateway } from "./gateway.mjs" */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { bundleFiles, ROOT, TINY } from "../hosts/paths.mjs";
import { alone, BUNDLE, gateway, refused, WITH_CLOCK } from "./gateway.mjs";
import { until } from "./stand-ins.mjs";

const MINUTE = 60_000;
/** Another bundle with the same candidates; `name` is that in its manifest. */
const OTHER = { name: "tiny-ridge-static", files: bundleFiles(join(ROOT, "tests/fixtures/kinds/ridge-static")) };
const FIRST = { name: BUNDLE.name, files: bundleFiles(TINY) };
const sha256 = (/** @type {string | Uint8Array} */ bytes) => createHash("sha256").update(bytes).digest("hex");

/** @typedef {typeof FIRST} Uploaded a bundle */

/** @type {Gateway[]} */
const running = [];
after(() => Promise.all(running.map((worker) => worker.close())));

/** A Worker with BUNDLES, a clock and functions that change the bucket. */
async function start() {
  const worker = await gateway({ buckets: ["BUNDLES"], main: WITH_CLOCK });
  running.push(worker);
  const bucket = await worker.miniflare.getR2Bucket("BUNDLES");
  const health = async () => (await worker.get("healthz")).json();
  return {
    ...worker,
    bucket,
    health,
    /**
     * Uploads the bundle's files under a prefix.
     * @param {string} prefix
     * @param {Uploaded} bundle
     * @param {Record<string, Uint8Array>} changed files to upload in place of the bundle's
     */
    put: async (prefix, { files }, changed = {}) => {
      for (const [name, bytes] of Object.entries({ ...files, ...changed })) await bucket.put(`${prefix}${name}`, bytes);
    },
    /** @param {string} prefix @param {Uploaded} bundle @param {string} hash */
    point: (prefix, { files }, hash = sha256(files["router.json"])) =>
      bucket.put("current.json", JSON.stringify({ prefix, sha256: hash })),
    /** Sets the clock forward, so that the Worker checks the bucket again. */
    later: () => worker.send("POST", `advance?ms=${MINUTE + 1000}`, ""),
    becomes: (/** @type {string} */ name) => until(async () => (await health()).bundle === name, `the bundle ${name}`),
    /** Waits until healthz reports a newer bundle that failed, with a matching message. */
    fails: (/** @type {RegExp} */ words) =>
      until(async () => words.test((await health()).newer_bundle ?? ""), `a failure like ${words}`),
  };
}

const winRate = async (/** @type {Gateway} */ worker) =>
  (await (await worker.post("v1/route", { query: "Hello" })).json()).winRate;

test("a bundle in the bucket takes over from the deployed one, and an earlier one returns", async () => {
  const worker = await start();
  const before = await winRate(worker);
  assert.equal((await worker.health()).bundle, FIRST.name);
  await worker.put("2026-11-22/", OTHER);
  await worker.point("2026-11-22/", OTHER);
  await worker.later();
  await worker.becomes(OTHER.name);
  assert.notEqual(await winRate(worker), before);
  assert.equal((await worker.health()).newer_bundle, undefined);
  await worker.put("2026-11-21/", FIRST);
  await worker.point("2026-11-21/", FIRST);
  await worker.later();
  await worker.becomes(FIRST.name);
  assert.equal(await winRate(worker), before);
});

test("a Worker loads the bucket's bundle at its start", async () => {
  const worker = await start();
  await worker.put("a/", OTHER);
  await worker.point("a/", OTHER);
  await worker.becomes(OTHER.name);
});

test("healthz reports a bundle that fails to load, and the last good one stays in use", async () => {
  const damaged = Uint8Array.from(OTHER.files["model.onnx"]);
  damaged[damaged.length >> 1] ^= 1;
  /** @type {[words: RegExp, spoil: (worker: Awaited<ReturnType<typeof start>>) => Promise<unknown>][]} */
  const cases = [
    [
      /router\.json/,
      async (worker) => {
        await worker.put("x/", OTHER);
        await worker.point("x/", OTHER, sha256("else"));
      },
    ],
    [
      /model\.onnx/,
      async (worker) => {
        await worker.put("x/", OTHER, { "model.onnx": damaged });
        await worker.point("x/", OTHER);
      },
    ],
    [/router\.json/, (worker) => worker.point("nowhere/", OTHER)],
    [/current\.json/, (worker) => worker.bucket.put("current.json", "{")],
    [/current\.json/, (worker) => worker.bucket.put("current.json", '{"prefix": 7}')],
  ];
  for (const [words, spoil] of cases) {
    const worker = await start();
    await worker.put("good/", OTHER);
    await worker.point("good/", OTHER);
    await worker.becomes(OTHER.name);
    const before = await winRate(worker);
    await spoil(worker);
    await worker.later();
    await worker.fails(words);
    const { status, bundle } = await worker.health();
    assert.deepEqual([status, bundle, await winRate(worker)], ["ok", OTHER.name, before]);
    assert.ok(
      worker.log.some((line) => words.test(line)),
      "the log says so too",
    );
    await worker.point("good/", OTHER);
    await worker.later();
    await until(async () => !(await worker.health()).newer_bundle, "the end of the failure");
  }
});

test("with a wrong hash at the start the deployed bundle is used", async () => {
  const worker = await start();
  await worker.put("x/", OTHER);
  await worker.point("x/", OTHER, sha256("else"));
  await worker.fails(/router\.json/);
  assert.equal((await worker.health()).bundle, FIRST.name);
});

test("an empty bucket is not an error", async () => {
  const worker = await start();
  const { status, bundle, newer_bundle: failed } = await worker.health();
  assert.deepEqual([status, bundle, failed], ["ok", FIRST.name, undefined]);
});

/** @param {TestContext} t @param {Record<string, string | Uint8Array>} files */
async function deployed(t, files) {
  const folder = await mkdtemp(join(tmpdir(), "pointsman-bundle-"));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  return alone(t, { bundle: folder });
}

test("a damaged deployed bundle gives 500 with the engine's code", async (t) => {
  const damaged = Uint8Array.from(FIRST.files["model.onnx"]);
  damaged[damaged.length >> 1] ^= 1;
  const worker = await deployed(t, { ...FIRST.files, "model.onnx": damaged });
  await refused(worker.get("healthz"), 500, "bundle_wrong_hash");
  await refused(worker.post("v1/route", { query: "x" }), 500, "bundle_wrong_hash");
});

test("a missing bundle gives 500 and names the file", async (t) => {
  const worker = await deployed(t, { "readme.txt": "no bundle" });
  const error = await refused(worker.get("healthz"), 500, "bundle_unreadable");
  assert.match(error.message, /router\.json/);
});
