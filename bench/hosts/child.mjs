// A fresh Node process for a measurement: the job goes in as JSON, the result comes out as JSON.

import { spawn } from "node:child_process";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** @param {URL} script @param {object} job what `answer` in that script is given */
export async function inChild(script, job) {
  const path = fileURLToPath(script);
  const child = spawn(process.execPath, ["--expose-gc", path], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${path} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
  child.stdin.end(JSON.stringify(job));
  const [exit, output] = await Promise.allSettled([ended, json(child.stdout)]);
  const failed = [exit, output].find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
  if (output.value.error) throw new Error(output.value.error);
  return output.value.result;
}

/** The child's side: answers its one job, and ends whatever still runs. */
export async function answer(measure) {
  let answered;
  try {
    answered = { result: await measure(await json(process.stdin)) };
  } catch (error) {
    answered = { error: error.message };
  }
  process.stdout.write(JSON.stringify(answered), () => process.exit());
}

/** Resident bytes of this process after a garbage collection. */
export function resident() {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

/** Writes a length on the bench's current line once it is measured. */
export const progress = (tokens) => process.stderr.write(` ${tokens}`);
