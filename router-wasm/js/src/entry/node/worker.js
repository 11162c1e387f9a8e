// `RouterWorker` in Node and Deno: runs the engine in a thread.

import { Worker } from "node:worker_threads";

import { describe, messageOf } from "../../describe.js";
import { RouterError } from "../../error.js";
import { setHost } from "../../host.js";
import { setStartThread } from "../../thread/start.js";
import { node } from "./host.js";

/** @import { Thread } from "../../thread/start.js" */
/** @import { RouterThread } from "../../types/thread.js" */

export { RouterError } from "../../error.js";
export { RouterWorker } from "../../thread/router-worker.js";

setHost(node);
setStartThread(start);

/**
 * @param {string | URL | RouterThread} [given]
 * @returns {Thread}
 */
function start(given) {
  const worker = started(given);
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onFailure) {
      worker.on("message", onMessage);
      worker.on("messageerror", (cause) => onFailure(failure(messageOf(cause), cause)));
      worker.on("error", (cause) => onFailure(failure(messageOf(cause), cause)));
      worker.on("exit", (code) => onFailure(failure(`it ended with exit code ${code}`)));
    },
    // An idle thread does not keep the process alive.
    hold: (busy) => (busy ? worker.ref() : worker.unref()),
    end: () => worker.terminate(),
  };
}

/**
 * @param {string | URL | RouterThread} [given]
 * @returns {Worker}
 */
function started(given) {
  // Some of the process's flags are invalid for a thread.
  const options = { execArgv: [] };
  try {
    if (given === undefined) return new Worker(new URL("./worker-thread.js", import.meta.url), options);
    if (given instanceof URL || typeof given === "string") return new Worker(given, options);
  } catch (cause) {
    throw failure(messageOf(cause), cause);
  }
  if (typeof given?.postMessage === "function") return /** @type {Worker} */ (given);
  throw new RouterError(
    "argument_options",
    `option "worker" is ${describe(given)}: expected a URL, a path or a Worker`,
  );
}

/**
 * @param {string} why
 * @param {unknown} [cause]
 */
function failure(why, cause) {
  const message = `the router's thread failed: ${why}. If a bundler moved its file, build "pointsman/worker-thread" and pass its path as option "worker"`;
  return new RouterError("worker_failed", message, { cause });
}
