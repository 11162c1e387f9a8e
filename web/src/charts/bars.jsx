// Named values as bars.

import { Chart } from "./chart.jsx";

const LONGEST_NAME = 30;

/**
 * @param {{rows: {name: string, value: number, text: string, fill: string}[], axis: object, label: string}} props
 *   `axis` is Plot's, of the values
 */
export function BarsChart({ rows, axis, label }) {
  const said = `${label}: ${rows.map(({ name, text }) => `${name} ${text}`).join(", ")}`;
  const draw = (Plot, width) => ({
    marginLeft: Math.min(230, width * 0.45),
    marginRight: 60,
    marginBottom: 46,
    x: { labelOffset: 40, ticks: 5, grid: true, ...axis },
    y: { label: null, domain: rows.map(({ name }) => name), tickFormat: (name) => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name) },
    marks: [
      Plot.barX(rows, { x: "value", y: "name", fill: "fill", rx: 3 }),
      Plot.text(rows, { x: "value", y: "name", text: "text", dx: 6, textAnchor: "start", fill: "var(--ink)" }),
    ],
  });
  return <Chart label={said} height={28 * rows.length + 60} draw={draw} />;
}
