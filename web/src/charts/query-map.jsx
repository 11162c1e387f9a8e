// Training queries on the bundle's two axes, and the query typed among them.

/** @import { MapPoint, QueryMap } from "../model/projection.js" */
/** @import { Draw } from "./chart.jsx" */

import { t } from "../i18n.js";
import { Chart } from "./chart.jsx";

/** Colours that can be told apart on light and dark backgrounds, in the order of the clusters. */
export const COLOURS = [
  "#3b82c4",
  "#d97b29",
  "#2f9e6e",
  "#c2495b",
  "#8267c9",
  "#9a7b4f",
  "#cf62a8",
  "#6f7b87",
  "#a3a52b",
  "#27a3b3",
  "#b0562e",
  "#5f6fd8",
];

/**
 * The range of all but the lowest and highest 3 % of the values.
 * @param {number[]} values
 */
function usual(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return [0.03, 0.97].map((p) => sorted[Math.floor(p * (sorted.length - 1))]);
}

/** @param {{map: QueryMap, placed?: [number, number], byValue: boolean, paired: boolean}} props */
export function QueryMapChart({ map, placed, byValue, paired }) {
  const [x, y, cluster, value] = [0, 1, 2, 3].map((at) => (/** @type {MapPoint} */ point) => point[at]);
  const centres = map.clusters.map(({ name }, i) => {
    const own = map.points.filter((point) => point[2] === i);
    const middle = (/** @type {0 | 1} */ axis) =>
      own.map((point) => point[axis]).sort((a, b) => a - b)[own.length >> 1];
    return { name, x: middle(0), y: middle(1) };
  });
  /** @type {import("@observablehq/plot").ScaleOptions} */
  const colour =
    byValue && paired
      ? {
          type: "linear",
          domain: usual(map.points.map(value)),
          clamp: true,
          range: ["#1f9d80", "#e0853f"],
          interpolate: "lab",
        }
      : { type: "categorical", domain: COLOURS.map((_, i) => i), range: COLOURS };
  /** @type {Draw} */
  const draw = (Plot, width) => ({
    marginLeft: 10,
    marginRight: 10,
    marginTop: 10,
    marginBottom: 10,
    x: { axis: null },
    y: { axis: null },
    color: colour,
    marks: [
      Plot.dot(map.points, { x, y, fill: byValue ? value : cluster, r: width < 480 ? 2 : 3, fillOpacity: 0.65 }),
      !byValue &&
        Plot.text(centres, {
          x: "x",
          y: "y",
          text: (/** @type {{name: string}} */ { name }) => name.replaceAll(", ", "\n"),
          fill: "var(--ink)",
          stroke: "var(--panel)",
          strokeWidth: 4,
          fontSize: width < 480 ? 10 : 12,
          fontWeight: 600,
          lineHeight: 1.05,
        }),
      placed && Plot.ruleX([placed[0]], { stroke: "var(--ink)", strokeOpacity: 0.35 }),
      placed && Plot.ruleY([placed[1]], { stroke: "var(--ink)", strokeOpacity: 0.35 }),
      placed &&
        Plot.dot([placed], { fill: "var(--ink)", stroke: "var(--panel)", strokeWidth: 2.5, r: 9, symbol: "star" }),
    ],
  });
  const label = t("map.chartLabel", { points: map.points.length, clusters: map.clusters.length });
  return <Chart label={label} height={520} draw={draw} />;
}
