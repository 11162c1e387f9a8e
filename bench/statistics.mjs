// Order statistics of measured times.

/**
 * @typedef {{p50: number, p95: number, min: number, max: number}} Summary
 * @typedef {{median: number, low: number, high: number}} Quartiles
 */

/**
 * The quantile at `share` in [0, 1] of sorted numbers, interpolated linearly.
 * @param {number[]} sorted
 * @param {number} share
 */
export function quantile(sorted, share) {
  if (sorted.length === 0) throw new Error("no numbers: expected at least one");
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

/** @param {number[]} times @returns {Summary} */
export function summary(times) {
  const sorted = times.toSorted((a, b) => a - b);
  return {
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    min: sorted[0],
    max: sorted[sorted.length - 1],
  };
}

/**
 * How many times as long `theirs` takes as `ours`, round by round: a slow moment of the machine
 * hits both times of a round. Median and quartiles.
 * @param {number[]} theirs
 * @param {number[]} ours
 * @returns {Quartiles}
 */
export function ratio(theirs, ours) {
  if (theirs.length !== ours.length) {
    throw new Error(`${theirs.length} times against ${ours.length}: expected a pair a round`);
  }
  const sorted = theirs.map((time, round) => time / ours[round]).sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
  };
}
