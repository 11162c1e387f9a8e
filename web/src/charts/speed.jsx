// Milliseconds per query: Pointsman's and ONNX Runtime Web's.

/** @import { Draw } from "./chart.jsx" */

import { milliseconds, t } from "../i18n.js";
import { Chart } from "./chart.jsx";

/** @param {{rows: {tokens: number, ours: number, theirs: number}[]}} props medians */
export function SpeedChart({ rows }) {
  const bars = rows.flatMap(({ tokens, ours, theirs }) => [
    { tokens, who: "Pointsman", value: ours },
    { tokens, who: "ONNX Runtime Web", value: theirs },
  ]);
  const label = rows
    .map(({ tokens, ours, theirs }) =>
      t("benchmark.rowLabel", { tokens, ours: milliseconds(ours), theirs: milliseconds(theirs) }),
    )
    .join("; ");
  /** @type {Draw} */
  const draw = (Plot, width) => ({
    marginLeft: 120,
    marginRight: 120,
    marginBottom: 46,
    x: {
      label: `${t("benchmark.milliseconds")} →`,
      labelOffset: 40,
      domain: [0, 1.15 * Math.max(...bars.map(({ value }) => value))],
      grid: true,
      ticks: width < 480 ? 3 : 6,
    },
    y: { label: null, domain: ["Pointsman", "ONNX Runtime Web"] },
    fy: { label: t("tokens"), labelAnchor: "top" },
    color: { domain: ["Pointsman", "ONNX Runtime Web"], range: ["var(--accent)", "var(--quiet)"] },
    marks: [
      Plot.barX(bars, { x: "value", y: "who", fy: "tokens", fill: "who", rx: 3 }),
      Plot.text(bars, {
        x: "value",
        y: "who",
        fy: "tokens",
        text: (/** @type {{value: number}} */ { value }) => milliseconds(value),
        dx: 5,
        textAnchor: "start",
        fill: "var(--ink)",
      }),
    ],
  });
  return <Chart label={label} height={70 * rows.length + 50} draw={draw} />;
}
