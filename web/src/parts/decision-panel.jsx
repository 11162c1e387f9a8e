// Shows a decision: the switch, the win rate on its scale, the scores and the costs.

/** @import { Decision } from "pointsman" */
/** @import { Sides } from "../state.js" */
/** @import { TimedDecision } from "../timed-decision.js" */

import { milliseconds, percent, t, usd, whole } from "../i18n.js";
import { calibration, opened, pair } from "../state.js";
import { Fault } from "./fault.jsx";
import { Scores } from "./scores.jsx";
import { TrackSwitch } from "./track-switch.jsx";
import { WinRateScale } from "./win-rate-scale.jsx";

/** @param {{decided?: TimedDecision}} props */
export function DecisionPanel({ decided }) {
  /** @type {Sides} */
  const sides = pair.value ? { [pair.value.strong]: "strong", [pair.value.weak]: "weak" } : {};
  const tracks = opened().info.candidates.map(({ id }) => ({ id, side: sides[id] }));
  const { decision, milliseconds: time, error } = decided ?? {};
  return (
    <section class="panel decision" aria-labelledby="decision-title">
      <h2 id="decision-title" class="hidden-label">
        {t("playground.decision")}
      </h2>
      <TrackSwitch tracks={tracks} chosen={decision?.model} />
      <p id="verdict" class={`verdict ${(decision && sides[decision.model]) ?? ""}`} aria-live="polite">
        {decision?.model ?? t(error ? "playground.noDecision" : "playground.noQuery")}
      </p>
      <p class="quiet">{decision ? t(`reason.${decision.reason}`) : !error && t("playground.start")}</p>
      {error && <Fault error={error} what={t("playground.refused")} />}
      {decision && time !== undefined && <Details decision={decision} time={time} sides={sides} />}
    </section>
  );
}

/** @param {{decision: Decision, time: number, sides: Sides}} props `time` in milliseconds */
function Details({ decision, time, sides }) {
  const { winRate, threshold } = decision;
  return (
    <>
      {winRate !== undefined && pair.value && (
        <WinRateScale winRate={winRate} threshold={threshold} calibration={calibration.value} {...pair.value} />
      )}
      <Scores decision={decision} sides={sides} />
      <dl class="figures">
        <div>
          <dt>{t("playground.thisAnswer")}</dt>
          <dd>{usd(decision.estimatedCost)}</dd>
        </div>
        <AlwaysStrong decision={decision} />
        <div>
          <dt>{t("tokens")}</dt>
          <dd id="tokens">{whole(decision.tokens)}</dd>
        </div>
        <div>
          <dt>{t("playground.routeTime")}</dt>
          <dd id="route-time">{milliseconds(time)}</dd>
        </div>
      </dl>
    </>
  );
}

/**
 * The cost of the strong candidate, or without a pair that of the most expensive one.
 * @param {{decision: Decision}} props
 */
function AlwaysStrong({ decision }) {
  const priced = decision.scores.flatMap(({ model, estimatedCost: cost }) =>
    cost === undefined ? [] : [{ model, cost }],
  );
  const dearest = priced.toSorted((a, b) => b.cost - a.cost)[0];
  const strong = pair.value ? priced.find(({ model }) => model === pair.value?.strong) : dearest;
  if (!strong || decision.estimatedCost === undefined) return null;
  const saved = strong.cost > 0 ? 1 - decision.estimatedCost / strong.cost : 0;
  return (
    <div>
      <dt>{t(pair.value ? "playground.alwaysStrong" : "playground.alwaysDearest")}</dt>
      <dd>
        {usd(strong.cost)}
        {saved > 0 && <span class="saved"> {t("playground.saved", { share: percent(saved) })}</span>}
      </dd>
    </div>
  );
}
