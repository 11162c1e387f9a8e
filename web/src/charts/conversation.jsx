// The rating of a conversation, turn by turn: each turn's own rating, and the conversation's.

/** @import { Draw } from "./chart.jsx" */

import { fraction, t } from "../i18n.js";
import { Chart } from "./chart.jsx";

/** @typedef {{turn: number, alone: number, carried: number}} Rating a turn's own win rate, and the conversation's */

/** @param {{ratings: Rating[], threshold: number}} props */
export function ConversationChart({ ratings, threshold }) {
  const label = ratings
    .map(({ turn, alone, carried }) =>
      t("conversation.turnLabel", { turn, alone: fraction(alone), carried: fraction(carried) }),
    )
    .join("; ");
  const values = [threshold, ...ratings.flatMap(({ alone, carried }) => [alone, carried])];
  /** @type {Draw} */
  const draw = (Plot) => ({
    marginLeft: 48,
    marginBottom: 46,
    x: {
      label: `${t("conversation.turn")} →`,
      labelOffset: 40,
      ticks: ratings.map(({ turn }) => turn),
      tickFormat: "d",
      domain: [0.7, ratings.length + 0.3],
    },
    y: {
      label: `↑ ${t("winRate")}`,
      grid: true,
      ticks: 5,
      domain: [Math.min(...values) - 0.03, Math.max(...values) + 0.03],
    },
    marks: [
      Plot.ruleY([threshold], { stroke: "var(--ink)", strokeDasharray: "5 3" }),
      Plot.line(ratings, { x: "turn", y: "carried", stroke: "var(--accent)", strokeWidth: 2.5 }),
      Plot.dot(ratings, {
        x: "turn",
        y: "carried",
        fill: (/** @type {Rating} */ { carried }) => (carried >= threshold ? "var(--strong)" : "var(--accent)"),
        r: 6,
      }),
      Plot.dot(ratings, { x: "turn", y: "alone", stroke: "var(--quiet)", r: 4, strokeWidth: 1.5 }),
    ],
  });
  return (
    <>
      <Chart label={label} height={220} draw={draw} />
      <ul class="legend">
        <li>
          <span class="swatch router" />
          {t("conversation.carried")}
        </li>
        <li>
          <span class="swatch alone" />
          {t("conversation.alone")}
        </li>
        <li>
          <span class="swatch threshold" />
          {t("threshold")}
        </li>
      </ul>
    </>
  );
}
