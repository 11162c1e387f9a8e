// A fresh Node process for a measurement: the job goes in as JSON, the result comes out as JSON.

import { spawn } from "node:child_process";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/**
 * @typedef {{result: unknown, error?: undefined} | {result?: undefined, error: string}} Answered
 */

/**
 * @template Result
 * @param {URL} script
 * @param {object} job what `answer` in that script is given
 * @returns {Promise<Result>}
 */
export async function inChild(script, job) {
  const path = fileURLToPath(script);
  const child = spawn(process.execPath, ["--expose-gc", path], { stdio: ["pipe", "pipe", "inherit"] });
  /** @type {Promise<void>} */
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${path} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
  child.stdin.end(JSON.stringify(job));
  const [exit, output] = await Promise.allSettled([ended, json(child.stdout)]);
  if (exit.status === "rejected") throw exit.reason;
  if (output.status === "rejected") throw output.reason;
  const { result, error } = /** @type {Answered} */ (output.value);
  if (error) throw new Error(error);
  return /** @type {Result} */ (result);
}

/**
 * The child's side: answers its one job, and ends whatever still runs.
 * @template Given
 * @param {(job: Given) => Promise<unknown>} measure
 */
export async function answer(measure) {
  /** @type {Answered} */
  let answered;
  try {
    answered = { result: await measure(/** @type {Given} */ (await json(process.stdin))) };
  } catch (error) {
    answered = { error: error instanceof Error ? error.message : String(error) };
  }
  process.stdout.write(JSON.stringify(answered), () => process.exit());
}

/** Resident bytes of this process after a garbage collection. */
export function resident() {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

/** Writes a length on the bench's current line once it is measured. */
export const progress = (/** @type {number | string} */ tokens) => process.stderr.write(` ${tokens}`);
