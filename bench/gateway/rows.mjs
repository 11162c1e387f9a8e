// Samples to the rows of a report.

import { quantile, summary } from "../statistics.mjs";

/**
 * What each contestant takes, and what it adds to the direct call of the same round: a slow moment
 * of the machine hits both.
 * @param {{name: string, times: number[]}[]} results milliseconds, one a round; `direct` among them
 */
export function latencyRows(results) {
  const bare = results.find(({ name }) => name === "direct").times;
  return results.map(({ name, times }) => {
    const { p50, p95 } = summary(times);
    if (name === "direct") return { name, rounds: times.length, p50, p95 };
    const added = times.map((time, round) => time - bare[round]).sort((a, b) => a - b);
    return { name, rounds: times.length, p50, p95, added: { p50: quantile(added, 0.5), p95: quantile(added, 0.95) } };
  });
}

/** How many times what `ours` adds the other adds, by their medians. */
export function addedRatio(rows, other, ours) {
  const of = (name) => rows.find((row) => row.name === name)?.added.p50;
  const [theirs, own] = [of(other), of(ours)];
  return theirs === undefined || own === undefined || own <= 0 ? undefined : theirs / own;
}
