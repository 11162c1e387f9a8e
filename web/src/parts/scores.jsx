// Every candidate's score as a bar, with its estimated cost.

import { fraction, t, usd } from "../i18n.js";

/** @param {{decision: import("pointsman").Decision, sides: import("../state.js").Sides}} props */
export function Scores({ decision, sides }) {
  const most = Math.max(...decision.scores.map(({ score }) => score), 1e-9);
  return (
    <table class="scores">
      <caption class="hidden-label">{t("playground.scores")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("model")}</th>
          <th scope="col">{t("score")}</th>
          <th scope="col" class="number">
            {t("cost")}
          </th>
        </tr>
      </thead>
      <tbody>
        {decision.scores.map(({ model, score, estimatedCost }) => (
          <tr key={model} class={model === decision.model ? "chosen" : ""}>
            <th scope="row">
              {model}
              {model === decision.model && (
                <span class="tick-mark" role="img" aria-label={t("chosen")}>
                  {" "}
                  ✓
                </span>
              )}
            </th>
            <td>
              <span class="bar" aria-hidden="true">
                <span
                  class={sides[model] ?? ""}
                  style={{ width: `${(100 * Math.max(score, 0)) / Math.max(most, 1)}%` }}
                />
              </span>
              <span class="value">{fraction(score)}</span>
            </td>
            <td class="number">{usd(estimatedCost)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
