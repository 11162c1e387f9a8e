/**
 * Counts of values in equal bins over [low, high]: `[{from, to, count}]`.
 * @param {number[]} values
 * @param {[low: number, high: number]} range
 * @param {number} bins how many
 */
export function histogram(values, [low, high], bins) {
  const width = (high - low) / bins;
  /** @type {number[]} */
  const counts = new Array(bins).fill(0);
  for (const value of values) {
    const bin = Math.floor((value - low) / width);
    counts[Math.max(0, Math.min(bins - 1, bin))] += 1;
  }
  return counts.map((count, i) => ({ from: low + i * width, to: low + (i + 1) * width, count }));
}
