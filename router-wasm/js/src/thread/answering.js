// The thread's side of a `RouterWorker`: holds one bundle and answers messages in order.

import { guarded } from "../engine/engine.js";
import { loadHandle } from "../engine/load.js";
import { RouterError } from "../error.js";

/** @import { RouterHandle } from "../../pkg/pointsman.js" */
/** @import { Host } from "../host.js" */
/** @import { LoadProgress } from "../types/load.js" */
/** @import { Calls, PlainError, SliceRow, ThreadAnswer, ThreadRequest } from "./messages.js" */

/**
 * Makes the handler of messages.
 * @param {Host} host
 * @param {(answer: ThreadAnswer) => void} post sends to the other side
 * @returns {(request: ThreadRequest) => Promise<void>}
 */
export function answering(host, post) {
  /** @type {RouterHandle} */
  let handle;

  /** @param {{id: number} & Calls["load"]["request"]} request */
  async function load({ id, source, wasm, cache, learnShares, ownCandidates, tells }) {
    const onProgress = tells ? (/** @type {LoadProgress} */ progress) => post({ id, progress }) : undefined;
    handle = await loadHandle(source, { wasm, cache, learnShares, ownCandidates, onProgress }, host);
  }

  /**
   * @param {string} request
   * @returns {SliceRow}
   */
  function routeRow(request) {
    try {
      return { decision: guarded(() => handle.route(request)) };
    } catch (error) {
      return { error: plain(error) };
    }
  }

  /** @param {ThreadRequest} asked */
  async function answered(asked) {
    switch (asked.call) {
      case "load":
        return load(asked);
      case "route":
        return guarded(() => handle.route(asked.request));
      case "checkPolicy":
        return guarded(() => handle.checkPolicy(asked.request));
      case "routeSlice":
        return asked.requests.map(routeRow);
      case "embed":
        return guarded(() => handle.embed(asked.query));
      case "demands":
        return guarded(() => handle.demands(asked.query));
      case "fitAbility":
        return guarded(() => handle.fitAbility(asked.outcomes, asked.prior));
      case "info":
        return guarded(() => handle.info());
      case "trafficState":
        return guarded(() => handle.trafficState());
      case "addTraffic":
        return guarded(() => handle.learnTraffic(asked.state));
    }
  }

  return async (asked) => {
    try {
      post({ id: asked.id, value: (await answered(asked)) ?? undefined });
    } catch (error) {
      post({ id: asked.id, error: plain(error) });
    }
  };
}

/**
 * An error as plain data. One without a code is a fault of this package.
 * @param {unknown} error
 * @returns {PlainError}
 */
function plain(error) {
  if (error instanceof RouterError) return { code: error.code, message: error.message };
  const found = error instanceof Error ? error.stack : error;
  return { code: "worker_failed", message: `the router's thread failed: ${found}. Please report this error` };
}
