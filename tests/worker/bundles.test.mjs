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
    /** @param {string} prefix @param {Uploaded} bundle @param {string} hash @param {object} [previous] */
    point: (prefix, { files }, hash = sha256(files["router.json"]), previous) =>
      bucket.put("current.json", JSON.stringify({ prefix, sha256: hash, previous })),
    /** Sets the clock forward, so that the Worker checks the bucket again. */
    later: () => worker.send("POST", `advance?ms=${MINUTE + 1000}`, ""),
    becomes: (/** @type {string} */ name) => until(async () => (await health()).bundle === name, `the bundle ${name}`),
    /** Waits until healthz reports the code of a newer bundle that failed. */
    fails: (/** @type {string} */ code) => until(async () => (await health()).newer_bundle === code, code),
  };
}

const winRate = async (/** @type {Gateway} */ worker) =>
  (await (await worker.post("v1/route", { query: "Hello" })).json()).winRate;

test("a bundle in the bucket takes over from the deployed one, and an earlier one returns", async () => {
  const worker = await start();
  const before = await winRate(worker);
  const { bundle, source } = await worker.health();
  assert.deepEqual([bundle, source], [FIRST.name, "deployed"]);
  await worker.put("2026-11-22/", OTHER);
  await worker.point("2026-11-22/", OTHER);
  await worker.later();
  await worker.becomes(OTHER.name);
  assert.notEqual(await winRate(worker), before);
  const after = await worker.health();
  assert.deepEqual([after.newer_bundle, after.source], [undefined, "current"]);
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

/**
 * The files of a bundle with other values in `router.json`.
 * @param {Uploaded} bundle
 * @param {object} fields
 * @returns {Uploaded}
 */
function restated({ name, files }, fields) {
  const manifest = { ...JSON.parse(Buffer.from(files["router.json"]).toString()), ...fields };
  return { name, files: { ...files, "router.json": Buffer.from(JSON.stringify(manifest)) } };
}

test("healthz reports a bundle that fails to load by its code, the log why, and the last good one stays in use", async () => {
  const damaged = Uint8Array.from(OTHER.files["model.onnx"]);
  damaged[damaged.length >> 1] ^= 1;
  const { candidates, files: entries } = JSON.parse(Buffer.from(OTHER.files["router.json"]).toString());
  const renamed = (/** @type {string} */ id) =>
    restated(OTHER, { candidates: [...candidates.slice(1), { ...candidates[0], id }], head: {} });
  const huge = restated(OTHER, { files: entries.map((/** @type {object} */ one) => ({ ...one, bytes: 20 << 20 })) });
  const long = restated(OTHER, { padding: "x".repeat(1 << 20) });
  const placed =
    (/** @type {Uploaded} */ bundle) => async (/** @type {Awaited<ReturnType<typeof start>>} */ worker) => {
      await worker.put("x/", bundle);
      await worker.point("x/", bundle);
    };
  /** @type {[code: string, words: RegExp, spoil: (worker: Awaited<ReturnType<typeof start>>) => Promise<unknown>][]} */
  const cases = [
    [
      "current_bundle_invalid",
      /router\.json/,
      async (worker) => {
        await worker.put("x/", OTHER);
        await worker.point("x/", OTHER, sha256("else"));
      },
    ],
    [
      "bundle_wrong_hash",
      /model\.onnx/,
      async (worker) => {
        await worker.put("x/", OTHER, { "model.onnx": damaged });
        await worker.point("x/", OTHER);
      },
    ],
    ["bundle_unreadable", /router\.json/, (worker) => worker.point("nowhere/", OTHER)],
    ["current_bundle_invalid", /current\.json/, (worker) => worker.bucket.put("current.json", "{")],
    ["current_bundle_invalid", /current\.json/, (worker) => worker.bucket.put("current.json", '{"prefix": 7}')],
    ["bundle_too_large", /current\.json/, (worker) => worker.bucket.put("current.json", " ".repeat(20_000))],
    ["bundle_bad_manifest", /printable ASCII/, placed(restated(OTHER, { name: "two\nlines" }))],
    ["bundle_bad_manifest", /printable ASCII/, placed(renamed("two\r\nlines"))],
    ["bundle_bad_manifest", /means routing/, placed(renamed("auto"))],
    ["bundle_too_large", /all files/, placed(huge)],
    ["bundle_too_large", /router\.json/, placed(long)],
    [
      "bundle_too_large",
      /model\.onnx/,
      placed({ ...OTHER, files: { ...OTHER.files, "model.onnx": new Uint8Array(26 << 20) } }),
    ],
  ];
  for (const [code, words, spoil] of cases) {
    const worker = await start();
    await worker.put("good/", OTHER);
    await worker.point("good/", OTHER);
    await worker.becomes(OTHER.name);
    const before = await winRate(worker);
    await spoil(worker);
    await worker.later();
    await worker.fails(code);
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

test("a Worker that starts while the current bundle is wrong serves the previous one", async () => {
  const worker = await start();
  await worker.put("good/", OTHER);
  await worker.put("bad/", FIRST, { "model.onnx": new Uint8Array(9) });
  const good = { prefix: "good/", sha256: sha256(OTHER.files["router.json"]) };
  await worker.point("bad/", FIRST, undefined, good);
  const { bundle, source, newer_bundle: code } = await worker.health();
  assert.deepEqual([bundle, source, code], [OTHER.name, "previous", "bundle_wrong_size"]);
  await worker.put("bad/", FIRST);
  await worker.later();
  await worker.becomes(FIRST.name);
  const mended = await worker.health();
  assert.deepEqual([mended.source, mended.newer_bundle], ["current", undefined]);
});

test("a Worker that still serves the deployed bundle takes the previous one too", async () => {
  const worker = await start();
  assert.equal((await worker.health()).source, "deployed");
  await worker.put("good/", OTHER);
  await worker.point("nowhere/", FIRST, undefined, { prefix: "good/", sha256: sha256(OTHER.files["router.json"]) });
  await worker.later();
  await worker.becomes(OTHER.name);
  assert.deepEqual(
    [(await worker.health()).source, (await worker.health()).newer_bundle],
    ["previous", "bundle_unreadable"],
  );
});

test("with a wrong hash at the start the deployed bundle is used", async () => {
  const worker = await start();
  await worker.put("x/", OTHER);
  await worker.point("x/", OTHER, sha256("else"));
  await worker.fails("current_bundle_invalid");
  const { bundle, source } = await worker.health();
  assert.deepEqual([bundle, source], [FIRST.name, "deployed"]);
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

test("a missing bundle gives 500, and the log names the file", async (t) => {
  const worker = await deployed(t, { "readme.txt": "no bundle" });
  const error = await refused(worker.get("healthz"), 500, "bundle_unreadable");
  assert.doesNotMatch(error.message, /router\.json|ASSETS/);
  await until(() => worker.log.some((line) => /router\.json/.test(line)), "the file's name in the log");
});
