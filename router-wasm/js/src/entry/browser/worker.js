// `RouterWorker` in a page: runs the engine in a Web Worker.

import { describe, messageOf } from "../../describe.js";
import { RouterError } from "../../error.js";
import { setHost } from "../../host.js";
import { setStartThread } from "../../thread/start.js";
import { browser } from "./host.js";

/** @import { Thread } from "../../thread/start.js" */
/** @import { RouterThread } from "../../types/thread.js" */

export { RouterError } from "../../error.js";
export { RouterWorker } from "../../thread/router-worker.js";

const REMEDY =
  'A Web Worker\'s script must come from the page\'s own origin, and worker-src of a Content-Security-Policy must allow it. If the bundler does not emit the file, build "pointsman/worker-thread" and pass its URL as option "worker"';

setHost(browser);
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
      worker.addEventListener("message", ({ data }) => onMessage(data));
      worker.addEventListener("messageerror", () => onFailure(failure("a message could not be read")));
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        // The event has no message when the script could not be loaded.
        onFailure(failure(event.message ?? "its script could not be loaded", event.error));
      });
    },
    hold() {},
    end: () => worker.terminate(),
  };
}

/**
 * @param {string | URL | RouterThread} [given]
 * @returns {Worker}
 */
function started(given) {
  if (typeof globalThis.Worker !== "function") {
    throw new RouterError("worker_unsupported", 'this host has no Web Workers: use Router of "pointsman"');
  }
  try {
    // Bundlers recognise exactly this form.
    if (given === undefined) return new Worker(new URL("./worker-thread.js", import.meta.url), { type: "module" });
    if (typeof given === "string" || given instanceof URL) {
      return new Worker(/** @type {URL} */ (browser.url(given)), { type: "module" });
    }
  } catch (cause) {
    throw failure(messageOf(cause), cause);
  }
  if (typeof given?.postMessage === "function") return /** @type {Worker} */ (given);
  throw new RouterError("argument_options", `option "worker" is ${describe(given)}: expected a URL or a Worker`);
}

/**
 * @param {string} why
 * @param {unknown} [cause]
 */
function failure(why, cause) {
  return new RouterError("worker_failed", `the router's Web Worker failed: ${why}. ${REMEDY}`, { cause });
}
