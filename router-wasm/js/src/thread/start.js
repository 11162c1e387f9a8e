// How this runtime starts a thread. The entry of `RouterWorker` sets it.

import { RouterError } from "../error.js";

/** @import { ThreadAnswer, ThreadRequest } from "./messages.js" */
/** @import { RouterThread } from "../types/thread.js" */

/**
 * A started thread.
 * @typedef {object} Thread
 * @property {(message: ThreadRequest) => void} post
 * @property {(onMessage: (answer: ThreadAnswer) => void, onFailure: (error: RouterError) => void) => void} listen
 * @property {(busy: boolean) => void} hold keeps the process alive while calls are pending
 * @property {() => void} end
 */

/** @typedef {(worker?: string | URL | RouterThread) => Thread} StartThread takes option "worker" */

/** @type {StartThread | undefined} */
let startThread;

/** @param {StartThread} start */
export function setStartThread(start) {
  startThread = start;
}

/** The function that starts threads here; a Worker's entry sets none. */
export function threadStarter() {
  if (startThread) return startThread;
  const message = 'a Cloudflare Worker cannot start threads: use Router of "pointsman"';
  throw new RouterError("worker_unsupported", message);
}
