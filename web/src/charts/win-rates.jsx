// Histogram of many queries' win rates, with the threshold.

/** @import { Draw } from "./chart.jsx" */

import { fraction, t, whole } from "../i18n.js";
import { histogram } from "../model/histogram.js";
import { Chart } from "./chart.jsx";

/** @param {{winRates: number[], threshold: number}} props */
export function WinRatesChart({ winRates, threshold }) {
  const low = Math.min(threshold, ...bounds(winRates)) - 0.01;
  const high = Math.max(threshold, ...bounds(winRates)) + 0.01;
  const bins = histogram(winRates, [low, high], 48).map((bin) => ({
    ...bin,
    strong: bin.from + bin.to >= 2 * threshold,
  }));
  const reached = winRates.filter((rate) => rate >= threshold).length;
  const label = t("queries.histogramLabel", {
    count: whole(winRates.length),
    reached: whole(reached),
    threshold: fraction(threshold),
  });
  /** @type {Draw} */
  const draw = (Plot) => ({
    marginLeft: 48,
    marginBottom: 46,
    x: { label: `${t("winRate")} →`, labelOffset: 40, domain: [low, high], ticks: 8 },
    y: {
      label: `↑ ${t("queries.queries")}`,
      grid: true,
      ticks: Math.min(5, Math.max(...bins.map(({ count }) => count))),
      tickFormat: whole,
    },
    marks: [
      Plot.rectY(bins, {
        x1: "from",
        x2: "to",
        y: "count",
        fill: (/** @type {{strong: boolean}} */ { strong }) => (strong ? "var(--strong)" : "var(--accent)"),
        inset: 0.5,
      }),
      Plot.ruleX([threshold], { stroke: "var(--ink)", strokeWidth: 2 }),
      Plot.ruleY([0], { stroke: "var(--line)" }),
    ],
  });
  return <Chart label={label} height={240} draw={draw} />;
}

/**
 * Minimum and maximum, for lists too long to be a call's arguments.
 * @param {number[]} values
 */
function bounds(values) {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return [least, most];
}
