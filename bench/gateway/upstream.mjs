// The stand-in that every contestant calls: a process of its own, so that its work is
// not counted for a contestant.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

const CHILD = fileURLToPath(new URL("upstream-process.mjs", import.meta.url));

/** @returns {Promise<{url: string, close: () => Promise<void>}>} the API's root */
export async function startUpstream() {
  const child = fork(CHILD);
  /** @type {string} */
  const url = await new Promise((resolve, reject) => {
    child.once("message", (message) => resolve(String(message)));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the stand-in ended with exit code ${code}`)));
  });
  return {
    url,
    close: () =>
      new Promise((closed) => {
        child.once("exit", () => closed());
        child.disconnect();
      }),
  };
}
