// Opens a bundle: one of the page's or the user's own. The previous one stays open until the next one is
// ready.

/** @import { LoadProgress, Router } from "pointsman" */
/** @import { AbsentBundle, ReadyBundle } from "./state.js" */

import { batch, effect } from "@preact/signals";

import { sourceOf } from "./bundle/dropped.js";
import { openedBundle, pricedBundle } from "./bundle/opened.js";
import { faultFrom } from "./model/fault.js";
import { amounts, bundle, mode, openFault, prices, routed, warmed } from "./state.js";

const WARM_UP_MS = 25;

/**
 * Aborts the load of one of the page's bundles that has not ended.
 * @type {AbortController | undefined}
 */
let loading;

/**
 * Opens one of the page's bundles.
 * @param {string} id a folder of `bundles/`
 */
export async function openBundle(id, { keepPolicy = false } = {}) {
  loading?.abort();
  const controller = new AbortController();
  loading = controller;
  const { signal } = controller;
  const before = bundle.peek();
  const show = (/** @type {LoadProgress} */ progress) => {
    if (signal.aborted) return;
    bundle.value = before.status === "ready" ? { ...before, id, progress } : { status: "loading", id, progress };
  };
  show({ loaded: 0 });
  try {
    const folder = new URL(`./bundles/${encodeURIComponent(id)}/`, document.baseURI);
    const opened = await openedBundle(folder, { signal, onProgress: show });
    if (signal.aborted) return opened.router.free();
    take({ status: "ready", id, ...opened }, keepPolicy);
  } catch (error) {
    if (signal.aborted) return;
    // Where the engine failed first, the download would go on and report progress.
    controller.abort();
    stay(before, id, error);
  }
}

/**
 * Opens the user's own bundle; if that fails, the previous one stays open.
 * @param {File[]} files
 */
export async function openOwn(files) {
  const before = bundle.peek();
  try {
    const opened = await openedBundle(sourceOf(files));
    loading?.abort();
    take({ status: "ready", id: opened.info.name, own: true, ...opened }, false);
  } catch (error) {
    stay(before, before.id, error);
  }
}

/**
 * Keeps the bundle that was open, or none, and shows why the next one did not open.
 * @param {ReadyBundle | AbsentBundle} before
 * @param {string} id
 * @param {unknown} thrown
 */
function stay(before, id, thrown) {
  const error = faultFrom(thrown);
  batch(() => {
    if (before.status === "ready") openFault.value = error;
    bundle.value = before.status === "ready" ? before : { status: "failed", id, error };
  });
}

/**
 * @param {ReadyBundle} next
 * @param {boolean} keepPolicy
 */
function take(next, keepPolicy) {
  const before = bundle.peek().router;
  batch(() => {
    bundle.value = next;
    openFault.value = undefined;
    routed.value = undefined;
    prices.value = {};
    if (!keepPolicy) {
      const { head } = next.info;
      mode.value = head.strong ? (next.info.calibration ? "strongShare" : "threshold") : "costWeight";
      amounts.strongShare.value = head.default_strong_share ?? 0.5;
      amounts.costWeight.value = 0;
    }
  });
  before?.free();
  warmUp(next.router);
}

/**
 * Routes a few queries, so that the browser has compiled the code and the times shown are those of later
 * queries.
 * @param {Router} router
 */
function warmUp(router) {
  const idle = globalThis.requestIdleCallback ?? setTimeout;
  idle(() => {
    const start = performance.now();
    while (bundle.peek().router === router && performance.now() - start < WARM_UP_MS) router.route("warm up");
    warmed.value += 1;
  });
}

/** Passes the user's prices to the engine, so that all costs and constraints use them. */
export function followPrices() {
  let first = true;
  effect(() => {
    const own = prices.value;
    if (first) {
      first = false;
      return;
    }
    const open = bundle.peek();
    if (open.status !== "ready") return;
    pricedBundle(open.files, own).then((opened) => {
      const now = bundle.peek();
      if (now.status !== "ready" || now.files !== open.files || prices.peek() !== own || now.id !== open.id) {
        return opened.router.free();
      }
      const before = now.router;
      bundle.value = { ...now, ...opened };
      before.free();
    });
  });
}
