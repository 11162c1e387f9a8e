// Statistics of two programs timed in alternating rounds.

/** @param {number[]} values */
export function median(values) {
  return at(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

/** @typedef {{median: number, low: number, high: number}} Quartiles */

/**
 * Median and quartiles of the ratios, one for each round.
 * @param {number[]} above
 * @param {number[]} below
 * @returns {Quartiles}
 */
export function ratioOf(above, below) {
  const ratios = above.map((value, i) => value / below[i]).sort((a, b) => a - b);
  return { median: at(ratios, 0.5), low: at(ratios, 0.25), high: at(ratios, 0.75) };
}

/**
 * How many calls last at least `milliseconds`.
 * @param {() => unknown} call
 * @param {number} milliseconds
 */
export async function settledCount(call, milliseconds) {
  let calls = 1;
  for (;;) {
    const start = performance.now();
    for (let i = 0; i < calls; i += 1) await call();
    if (performance.now() - start >= milliseconds || calls >= 4096) return calls;
    calls *= 2;
  }
}

/** @param {number[]} sorted @param {number} p in [0, 1] */
function at(sorted, p) {
  const place = p * (sorted.length - 1);
  const below = Math.floor(place);
  return sorted[below] + (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]) * (place - below);
}
