// Samples to the rows of a report.

import { quantile, summary } from "../statistics.mjs";

/**
 * @typedef {{name: string, rounds: number, p50: number, p95: number, added?: {p50: number, p95: number}}} LatencyRow
 *   milliseconds; `added` to the direct call
 */

/**
 * The time of each contestant, and its time less the direct call's of the same round: a slow moment
 * of the machine hits both.
 * @param {{name: string, times: number[]}[]} results milliseconds, one a round; `direct` among them
 * @returns {LatencyRow[]}
 */
export function latencyRows(results) {
  const bare = results.find(({ name }) => name === "direct")?.times;
  if (!bare) throw new Error("the direct call was not measured: what is added is added to it");
  return results.map(({ name, times }) => {
    const { p50, p95 } = summary(times);
    if (name === "direct") return { name, rounds: times.length, p50, p95 };
    const added = times.map((time, round) => time - bare[round]).sort((a, b) => a - b);
    return { name, rounds: times.length, p50, p95, added: { p50: quantile(added, 0.5), p95: quantile(added, 0.95) } };
  });
}

/**
 * The other's median added time divided by that of `ours`.
 * @param {LatencyRow[]} rows
 * @param {string} other
 * @param {string} ours
 */
export function addedRatio(rows, other, ours) {
  const of = (/** @type {string} */ name) => rows.find((row) => row.name === name)?.added?.p50;
  const [theirs, own] = [of(other), of(ours)];
  return theirs === undefined || own === undefined || own <= 0 ? undefined : theirs / own;
}
