// Mean quality of each candidate alone, the router, the oracle and random choice.

/** @import { MeansCurve } from "../model/curve.js" */

import { percentFine, t } from "../i18n.js";
import { BarsChart } from "./bars.jsx";

/** @param {{curve: MeansCurve}} props one of router.json's `curves` that has `means` */
export function MeansChart({ curve }) {
  const { router, oracle, random } = curve.means;
  const rows = [
    { name: t("tradeOff.oracle"), value: oracle, fill: "var(--line)" },
    { name: t("tradeOff.thisRouter"), value: router, fill: "var(--accent)" },
    ...curve.candidates.map(({ id, quality }) => ({ name: id, value: quality, fill: "var(--strong)" })),
    { name: t("tradeOff.random"), value: random, fill: "var(--line)" },
  ]
    .map((row) => ({ ...row, text: percentFine(row.value) }))
    .sort((a, b) => b.value - a.value);
  const axis = { label: `${t("tradeOff.quality", { dataset: curve.dataset })} →`, tickFormat: "%", domain: [0, 1] };
  return <BarsChart rows={rows} axis={axis} label={curve.dataset} />;
}
