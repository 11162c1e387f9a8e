// A bundle's calibration: converts thresholds to shares of strong calls, and back.

/**
 * The quantile at `p` in [0, 1], linearly interpolated.
 * @param {number[]} quantiles ascending, at equal steps from 0 to 1
 * @param {number} p
 */
export function quantile(quantiles, p) {
  const last = quantiles.length - 1;
  const below = Math.min(Math.floor(p * last), last - 1);
  const fraction = p * last - below;
  return quantiles[below] * (1 - fraction) + quantiles[below + 1] * fraction;
}

/**
 * The share of the sample whose win rate reaches `threshold`, in [0, 1].
 * @param {number[]} quantiles
 * @param {number} threshold
 */
export function shareFrom(quantiles, threshold) {
  const last = quantiles.length - 1;
  const above = quantiles.findIndex((value) => value >= threshold);
  if (above === -1) return 0;
  if (above === 0) return 1;
  const [low, high] = [quantiles[above - 1], quantiles[above]];
  return 1 - (above - 1 + (threshold - low) / (high - low)) / last;
}

/**
 * The threshold that gives a share of strong calls: the win rate's quantile at 1 - share.
 * @param {number[]} quantiles
 * @param {number} share
 */
export function thresholdFor(quantiles, share) {
  return quantile(quantiles, 1 - share);
}
