// Paths in the clone.

import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const TINY = join(ROOT, "tests/fixtures/tiny");
export const DEFAULT = join(ROOT, "bundles/default");
export const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";

/** Reads the files of a bundle's folder, by name. */
export function bundleFiles(folder) {
  const read = (name) => new Uint8Array(readFileSync(join(folder, name)));
  const manifest = read("router.json");
  const names = JSON.parse(Buffer.from(manifest).toString("utf8")).files.map(({ name }) => name);
  return Object.fromEntries([["router.json", manifest], ...names.map((name) => [name, read(name)])]);
}

export function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}
