// Paths in the clone.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const TINY = join(ROOT, "tests/fixtures/tiny");
/** A tiny bundle of five LLMs, none of which is strong or weak. */
export const POOL = join(ROOT, "tests/fixtures/pool");
export const DEFAULT = join(ROOT, "bundles/default");
export const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";

/**
 * Reads the files of a bundle's folder, by name.
 * @param {string} folder
 * @returns {Record<string, Uint8Array<ArrayBuffer>>}
 */
export function bundleFiles(folder) {
  const read = (/** @type {string} */ name) => new Uint8Array(readFileSync(join(folder, name)));
  const manifest = read("router.json");
  /** @type {import("pointsman").BundleInfo} */
  const { files } = JSON.parse(Buffer.from(manifest).toString("utf8"));
  return Object.fromEntries([["router.json", manifest], ...files.map(({ name }) => [name, read(name)])]);
}

/** Paths from the clone's root of the npm package's own modules, which a Worker that imports it needs. */
export function packageModules() {
  const folder = "router-wasm/js/src";
  const names = /** @type {string[]} */ (readdirSync(join(ROOT, folder), { recursive: true }));
  return names.filter((name) => name.endsWith(".js")).map((name) => `${folder}/${name}`);
}

/** @param {string} path */
export function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}
