// Quality by share of strong calls: this router, random choice, the oracle and published points.

/** @import { ShareCurve } from "../model/curve.js" */
/** @import { Draw } from "./chart.jsx" */

import { percent, t } from "../i18n.js";
import { ends, qualityOf, valueAt } from "../model/curve.js";
import { Chart } from "./chart.jsx";

/** @param {{curve: ShareCurve, share?: number}} props one of router.json's `curves`, and the policy's share */
export function CostQualityChart({ curve, share }) {
  const { weak, strong } = ends(curve);
  const published = (curve.published ?? []).map((point) => ({
    ...point,
    quality: qualityOf(curve, point.pgr),
    title: `${point.router}\n${t("tradeOff.strongCalls")}: ${percent(point.strong_share)}\nPGR: ${percent(point.pgr)}\n${point.source}`,
  }));
  const here = share === undefined ? undefined : valueAt(curve.router, share);
  const label = t("tradeOff.chartLabel", {
    dataset: curve.dataset,
    weak: percent(weak),
    strong: percent(strong),
    share: share === undefined ? "–" : percent(share),
    quality: here === undefined ? "–" : percent(here),
  });
  /** @type {Draw} */
  const draw = (Plot, width) => ({
    marginLeft: 48,
    marginRight: 16,
    marginTop: 28,
    marginBottom: 46,
    x: {
      label: `${t("tradeOff.strongCalls")} →`,
      labelOffset: 40,
      tickFormat: "%",
      domain: [0, 1],
      ticks: width < 480 ? 5 : 10,
    },
    y: {
      label: `↑ ${t("tradeOff.quality", { dataset: curve.dataset })}`,
      tickFormat: "%",
      grid: true,
      nice: true,
      ticks: 6,
    },
    marks: [
      Plot.line(
        [
          [0, weak],
          [1, strong],
        ],
        { stroke: "var(--quiet)", strokeDasharray: "4 4" },
      ),
      Plot.line(curve.oracle, { stroke: "var(--quiet)", strokeWidth: 1.5 }),
      Plot.line(curve.router, { stroke: "var(--accent)", strokeWidth: 3 }),
      Plot.dot(published, {
        x: "strong_share",
        y: "quality",
        stroke: "var(--strong)",
        strokeWidth: 1.75,
        r: 4.5,
        symbol: "diamond",
        title: "title",
        tip: true,
      }),
      share !== undefined && Plot.ruleX([share], { stroke: "var(--ink)", strokeWidth: 1 }),
      share !== undefined &&
        Plot.dot([[share, here]], { fill: "var(--accent)", stroke: "var(--panel)", strokeWidth: 2.5, r: 8 }),
    ],
  });
  return (
    <>
      <Chart label={label} height={360} draw={draw} />
      <ul class="legend">
        <li>
          <span class="swatch router" />
          {t("tradeOff.thisRouter")}
        </li>
        <li>
          <span class="swatch oracle" />
          {t("tradeOff.oracle")}
        </li>
        <li>
          <span class="swatch random" />
          {t("tradeOff.random")}
        </li>
        {published.length > 0 && (
          <li>
            <span class="swatch published" />
            {t("tradeOff.published")}
          </li>
        )}
      </ul>
    </>
  );
}
