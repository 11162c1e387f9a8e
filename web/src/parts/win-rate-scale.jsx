// The win rate and the threshold on a scale with the deciles of the calibration sample.

/** @import { BundleInfo } from "pointsman" */

import { fraction, t } from "../i18n.js";
import { quantile } from "../model/calibration.js";

const DECILES = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/**
 * @param {{winRate: number, threshold?: number, calibration: BundleInfo["calibration"], strong: string,
 *   weak: string}} props
 */
export function WinRateScale({ winRate, threshold, calibration, strong, weak }) {
  const [low, high] = range(calibration, [winRate, threshold ?? winRate]);
  const at = (/** @type {number} */ value) => `${(100 * (value - low)) / (high - low)}%`;
  const text =
    threshold === undefined
      ? `${t("winRate")} ${fraction(winRate)}`
      : `${t("winRate")} ${fraction(winRate)} ${winRate >= threshold ? "≥" : "<"} ${t("threshold")} ${fraction(threshold)}`;
  return (
    <figure class="scale">
      <div class="track" style={{ "--threshold": at(threshold ?? winRate) }} aria-hidden="true">
        {calibration &&
          DECILES.map((decile) => (
            <span key={decile} class="tick" style={{ left: at(quantile(calibration.quantiles, decile / 10)) }} />
          ))}
        {threshold !== undefined && <span class="mark threshold" style={{ left: at(threshold) }} />}
        <span class="mark win-rate" style={{ left: at(winRate) }} />
      </div>
      <div class="ends" aria-hidden="true">
        <span>
          {fraction(low)} {weak}
        </span>
        <span>
          {strong} {fraction(high)}
        </span>
      </div>
      <figcaption>{text}</figcaption>
    </figure>
  );
}

/**
 * The scale's range: most win rates are close together, so it covers nearly all of the sample and the values.
 * @param {BundleInfo["calibration"]} calibration
 * @param {number[]} values
 * @returns {[low: number, high: number]}
 */
function range(calibration, values) {
  if (!calibration) return [0, 1];
  const usual = [0.01, 0.99].map((p) => quantile(calibration.quantiles, p));
  const [low, high] = [Math.min(...values, ...usual), Math.max(...values, ...usual)];
  const margin = 0.06 * (high - low) || 0.05;
  return [Math.max(0, low - margin), Math.min(1, high + margin)];
}
