// Opens a bundle: one of the page's or the user's own. The previous one stays open until the next one is
// ready.

import { batch, effect } from "@preact/signals";

import { bundleFrom } from "./bundle/dropped.js";
import { fetchedBundle } from "./bundle/fetched.js";
import { openedBundle, pricedBundle } from "./bundle/opened.js";
import { amounts, bundle, mode, openFault, prices, routed, warmed } from "./state.js";

const WARM_UP_MS = 25;

let loading;

/** Opens one of the page's bundles. */
export async function openBundle(id, { keepPolicy = false } = {}) {
  loading?.abort();
  loading = new AbortController();
  const { signal } = loading;
  const before = bundle.peek();
  const show = (progress) => {
    if (!signal.aborted) bundle.value = { ...before, status: before.router ? before.status : "loading", id, progress };
  };
  show({ loaded: 0, total: undefined });
  try {
    const files = await fetchedBundle(id, { signal, onProgress: show });
    const opened = await openedBundle(files);
    if (signal.aborted) return opened.router.free();
    take({ status: "ready", id, ...opened }, keepPolicy);
  } catch (error) {
    if (signal.aborted) return;
    if (before.router) stay(before, error);
    else bundle.value = { status: "failed", id, error };
  }
}

/** Opens the user's own bundle; if that fails, the previous one stays open. */
export async function openOwn(files) {
  const before = bundle.peek();
  try {
    const opened = await openedBundle(await bundleFrom(files));
    loading?.abort();
    take({ status: "ready", id: opened.info.name, own: true, ...opened }, false);
  } catch (error) {
    if (before.router) stay(before, error);
    else bundle.value = { status: "failed", id: before.id, error };
  }
}

function stay(before, error) {
  batch(() => {
    bundle.value = before;
    openFault.value = error;
  });
}

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
    const { status, files, id } = bundle.peek();
    if (status !== "ready") return;
    pricedBundle(files, own).then((opened) => {
      const now = bundle.peek();
      if (now.files !== files || prices.peek() !== own || now.id !== id) return opened.router.free();
      const before = now.router;
      bundle.value = { ...now, ...opened };
      before.free();
    });
  });
}
