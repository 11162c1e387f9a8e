// Paths in the clone.

import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const TINY = join(ROOT, "tests/fixtures/tiny");
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

/** @param {string} path */
export function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}
