// Named values as bars.

/** @import { Draw } from "./chart.jsx" */

import { Chart } from "./chart.jsx";

/** Approximate width of a letter in pixels. */
const LETTER = 6.2;

/**
 * @param {{rows: {name: string, value: number, text: string, fill: string}[],
 *   axis: import("@observablehq/plot").ScaleOptions, label: string}} props
 *   `axis` is Plot's, of the values
 */
export function BarsChart({ rows, axis, label }) {
  const said = `${label}: ${rows.map(({ name, text }) => `${name} ${text}`).join(", ")}`;
  /** @type {Draw} */
  const draw = (Plot, width) => ({
    marginLeft: namesWidth(width),
    marginRight: 60,
    marginBottom: 46,
    x: { labelOffset: 40, ticks: width < 420 ? 2 : 5, grid: true, ...axis },
    y: {
      label: null,
      domain: rows.map(({ name }) => name),
      tickFormat: (name) => shortened(name, Math.floor(namesWidth(width) / LETTER) - 2),
    },
    marks: [
      Plot.barX(rows, { x: "value", y: "name", fill: "fill", rx: 3 }),
      Plot.text(rows, { x: "value", y: "name", text: "text", dx: 6, textAnchor: "start", fill: "var(--ink)" }),
    ],
  });
  return <Chart label={said} height={28 * rows.length + 60} draw={draw} />;
}

/** @param {number} width */
const namesWidth = (width) => Math.min(230, width * 0.45);

/** @param {string} name @param {number} letters */
const shortened = (name, letters) => (name.length > letters ? `${name.slice(0, letters - 1)}…` : name);
