// The bytes that a visitor downloads and a Worker deployment uploads, against budgets, to notice an added
// dependency. Every run prints the table.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { sizes } from "../../bench/bytes.mjs";
import { bundleFiles, DEFAULT, ROOT } from "./paths.mjs";

const MIB = 1024 * 1024;
const read = (/** @type {string[]} */ ...names) => names.map((name) => readFileSync(join(ROOT, name)));
const bundle = Object.values(bundleFiles(DEFAULT));
const worker = [
  "worker/js/entry.mjs",
  "worker/js/guard.mjs",
  "worker/build/pointsman_worker.js",
  "worker/build/pointsman_worker_bg.wasm",
];

/**
 * Budgets in bytes after gzip -9. Cloudflare's free plan takes a script of 3 MB. The bundle is deployed beside it, as
 * static assets, or with it (docs/DEPLOY.md): within both budgets the two are 3 MB as long as the bundle has 0.8 MB.
 * @type {[name: string, parts: Uint8Array[], budget: number][]}
 */
const ITEMS = [
  ["engine, simd128", read("router-wasm/js/pkg/pointsman_bg.wasm"), 1.6 * MIB],
  ["engine, relaxed-simd", read("router-wasm/js/pkg/pointsman_relaxed_bg.wasm"), 1.6 * MIB],
  ["default bundle", bundle, 1.25 * MIB],
  ["Worker's script", read(...worker), 2.08 * MIB],
];

test("every download and upload is within its budget", (t) => {
  t.diagnostic("bytes | raw | gzip -9 | budget");
  for (const [name, parts, budget] of ITEMS) {
    const { raw, gzip } = sizes(parts);
    t.diagnostic(`${name} | ${raw} | ${gzip} | ${Math.floor(budget)}`);
    assert.ok(gzip <= budget, `${name}: ${gzip} bytes after gzip, budget ${Math.floor(budget)}`);
  }
});
