// Sums the win rates of a day over all isolates, as a histogram for each bundle. The functions read and write rows of a
// store, as those of ledger-state.mjs do.
//
//   addRates(store, { day: "2026-11-29", bundle: "9f86...", counts: [0, 3, ...] })
//     -> { today: [0, 3, ...], finished: [{ day: "2026-11-28", bundle: "9f86...", counts: [...] }] }
//
// A row is kept until `written` is called for it; those of earlier days are `finished` until then, at most MOST_ROWS
// of them: the oldest are removed first.

import { RolloutError } from "./rollout-state.mjs";

/** The most days and bundles that are kept. */
const MOST_ROWS = 32;
/** The longest histogram. */
const MOST_BINS = 1000;
const PREFIX = "drift:";
const key = (/** @type {string} */ day, /** @type {string} */ bundle) => `${PREFIX}${day}:${bundle}`;

/**
 * @import { Store } from "./ledger-state.mjs"
 * @typedef {{day: string, bundle: string}} Day
 * @typedef {Day & {counts: number[]}} Rates
 */

/**
 * Adds counts to those of a day.
 * @param {Store} store
 * @param {Rates} request
 * @returns {{today: number[], finished: Rates[]}}
 */
export function addRates(store, { day, bundle, counts }) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day) || typeof bundle !== "string" || bundle.length > 64) {
    throw new RolloutError("drift_day", `found ${String(day)} and ${String(bundle)}, expected a day and a SHA-256`);
  }
  const whole = (/** @type {unknown} */ count) => Number.isSafeInteger(count) && Number(count) >= 0;
  if (!Array.isArray(counts) || counts.length > MOST_BINS || !counts.every(whole)) {
    throw new RolloutError("drift_counts", `expected at most ${MOST_BINS} whole numbers from 0`);
  }
  /** @type {Rates | undefined} */
  const before = store.get(key(day, bundle));
  const today = counts.map((count, bin) => count + (before?.counts[bin] ?? 0));
  store.put(key(day, bundle), { day, bundle, counts: today });
  /** @type {Rates[]} */
  const rows = [...store.list({ prefix: PREFIX })].map(([, row]) => row);
  rows.sort((one, other) => (one.day < other.day ? -1 : 1));
  for (const old of rows.slice(0, Math.max(0, rows.length - MOST_ROWS))) store.delete(key(old.day, old.bundle));
  return { today, finished: rows.filter((row) => row.day < day).slice(-MOST_ROWS) };
}

/**
 * Removes a day whose figure was written.
 * @param {Store} store
 * @param {Day} request
 */
export function written(store, { day, bundle }) {
  store.delete(key(day, bundle));
}
