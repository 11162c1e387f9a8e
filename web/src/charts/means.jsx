// Mean quality of each candidate alone beside the router, the oracle and chance.

import { percentFine, t } from "../i18n.js";
import { Chart } from "./chart.jsx";

/** @param {{curve: object}} props one of router.json's `curves` that has `means` */
export function MeansChart({ curve }) {
  const { router, oracle, random } = curve.means;
  const rows = [
    { name: t("tradeOff.oracle"), quality: oracle, fill: "var(--line)" },
    { name: t("tradeOff.thisRouter"), quality: router, fill: "var(--accent)" },
    ...curve.candidates.map(({ id, quality }) => ({ name: id, quality, fill: "var(--strong)" })),
    { name: t("tradeOff.random"), quality: random, fill: "var(--line)" },
  ].sort((a, b) => b.quality - a.quality);
  const label = `${curve.dataset}: ${rows.map(({ name, quality }) => `${name} ${percentFine(quality)}`).join(", ")}`;
  const draw = (Plot, width) => ({
    marginLeft: Math.min(230, width * 0.45),
    marginRight: 48,
    marginBottom: 46,
    x: { label: `${t("tradeOff.quality", { dataset: curve.dataset })} →`, labelOffset: 40, tickFormat: "%", domain: [0, 1], ticks: 5, grid: true },
    y: { label: null, domain: rows.map(({ name }) => name), tickFormat: (name) => (name.length > 30 ? `${name.slice(0, 29)}…` : name) },
    marks: [
      Plot.barX(rows, { x: "quality", y: "name", fill: "fill", rx: 3 }),
      Plot.text(rows, { x: "quality", y: "name", text: ({ quality }) => percentFine(quality), dx: 6, textAnchor: "start", fill: "var(--ink)" }),
    ],
  });
  return <Chart label={label} height={28 * rows.length + 50} draw={draw} />;
}
