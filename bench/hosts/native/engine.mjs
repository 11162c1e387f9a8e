// `bench-native`: the engine in a process of its own.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/**
 * @typedef {{load: number, before: number}} Loaded nanoseconds of loading, and resident bytes before it
 * @typedef {{route: number, resident?: number}} Routed nanoseconds of a query, and resident bytes
 *
 * @param {string} program
 * @param {string} bundle
 * @param {string[]} texts
 * @returns {Promise<{loaded: Loaded, route(number: number): Promise<Routed>, close(): void}>} what
 *   the process says of loading and of each query
 */
export async function nativeEngine(program, bundle, texts) {
  const folder = mkdtempSync(join(tmpdir(), "pointsman-bench-"));
  const file = join(folder, "texts.json");
  writeFileSync(file, JSON.stringify(texts));
  const child = spawn(program, [bundle, file], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${program} ended before it answered`);
    return JSON.parse(value);
  };
  const loaded = await next();
  return {
    loaded,
    route(number) {
      child.stdin.write(`${number}\n`);
      return next();
    },
    close() {
      child.stdin.end();
      rmSync(folder, { recursive: true });
    },
  };
}
