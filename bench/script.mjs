// What the benchmarks' scripts share: arguments, progress, versions and commit.

import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { ROOT, readJson } from "../tests/hosts/paths.mjs";

/** The folder of the packages that only the benchmarks use, from the clone's root. */
export const PEERS = "bench/peers/node_modules";

/** The commit measured, marked where the clone has changes; none outside a clone. */
export function revision() {
  const { status, stdout } = spawnSync("git", ["describe", "--always", "--dirty"], { cwd: ROOT, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * The version of an installed package, by its folder from the clone's root.
 * @param {string} folder
 * @returns {string}
 */
export function installed(folder) {
  return readJson(join(ROOT, folder, "package.json")).version;
}

/**
 * Throws: a flag names something unknown.
 * @param {string} flag
 * @param {string} name
 * @param {object} all what is known, by name
 * @returns {never}
 */
export function unknown(flag, name, all) {
  throw new Error(`${flag} names ${name}: expected of ${Object.keys(all).join(", ")}`);
}

/**
 * A flag's value as a whole number, 1 or more; anything else throws.
 * @param {string} flag
 * @param {string} text
 */
export function count(flag, text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`${flag} is ${text}: expected a whole number, 1 or more`);
  return number;
}

/** @param {string} text */
export function say(text) {
  process.stderr.write(text);
}
