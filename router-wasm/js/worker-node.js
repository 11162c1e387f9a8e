// `RouterWorker` in Node and Deno: runs the engine in a thread.

import { Worker } from "node:worker_threads";

import { describe, RouterError } from "./lib/error.js";
import { node } from "./lib/host-node.js";
import { routerWorkerFor } from "./lib/worker-client.js";

export { RouterError };

export const RouterWorker = routerWorkerFor({ ...node, open });

function open(given) {
  const worker = opened(given);
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onFailure) {
      worker.on("message", onMessage);
      worker.on("messageerror", (cause) => onFailure(failure(cause.message, cause)));
      worker.on("error", (cause) => onFailure(failure(cause.message, cause)));
      worker.on("exit", (code) => onFailure(failure(`it ended with exit code ${code}`)));
    },
    // An idle thread does not keep the process alive.
    hold: (busy) => (busy ? worker.ref() : worker.unref()),
    end: () => worker.terminate(),
  };
}

function opened(given) {
  // Some of the process's flags are invalid for a thread.
  const options = { execArgv: [] };
  try {
    if (given === undefined) return new Worker(new URL("./worker-thread-node.js", import.meta.url), options);
    if (given instanceof URL || typeof given === "string") return new Worker(given, options);
  } catch (cause) {
    throw failure(cause.message, cause);
  }
  if (typeof given?.postMessage === "function") return given;
  throw new RouterError(
    "argument_options",
    `option "worker" is ${describe(given)}: expected a URL, a path or a Worker`,
  );
}

function failure(why, cause) {
  const message = `the router's thread failed: ${why}. If a bundler moved its file, build "pointsman/worker-thread" and pass its path as option "worker"`;
  return new RouterError("worker_failed", message, { cause });
}
