// Shows a decision: the switch, the win rate on its scale, the scores and the costs.

import { milliseconds, percent, t, usd, whole } from "../i18n.js";
import { calibration, info, pair } from "../state.js";
import { Fault } from "./fault.jsx";
import { Scores } from "./scores.jsx";
import { TrackSwitch } from "./track-switch.jsx";
import { WinRateScale } from "./win-rate-scale.jsx";

/** @param {{decided?: {decision?: object, milliseconds?: number, error?: Error}}} props */
export function DecisionPanel({ decided }) {
  const sides = pair.value ? { [pair.value.strong]: "strong", [pair.value.weak]: "weak" } : {};
  const tracks = info.value.candidates.map(({ id }) => ({ id, side: sides[id] }));
  const { decision, error } = decided ?? {};
  return (
    <section class="panel decision" aria-labelledby="decision-title">
      <h2 id="decision-title" class="hidden-label">
        {t("playground.decision")}
      </h2>
      <TrackSwitch tracks={tracks} chosen={decision?.model} />
      <p id="verdict" class={`verdict ${sides[decision?.model] ?? ""}`} aria-live="polite">
        {decision?.model ?? t(error ? "playground.noDecision" : "playground.noQuery")}
      </p>
      <p class="quiet">{decision ? t(`reason.${decision.reason}`) : !error && t("playground.start")}</p>
      {error && <Fault error={error} what={t("playground.refused")} />}
      {decision && <Details decision={decision} time={decided.milliseconds} sides={sides} />}
    </section>
  );
}

function Details({ decision, time, sides }) {
  return (
    <>
      {decision.winRate !== undefined && pair.value && (
        <WinRateScale decision={decision} calibration={calibration.value} {...pair.value} />
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

/** The cost of the strong candidate, or without a pair that of the most expensive one. */
function AlwaysStrong({ decision }) {
  const priced = decision.scores.filter(({ estimatedCost }) => estimatedCost !== undefined);
  const dearest = priced.toSorted((a, b) => b.estimatedCost - a.estimatedCost)[0];
  const strong = pair.value ? priced.find(({ model }) => model === pair.value.strong) : dearest;
  if (!strong || decision.estimatedCost === undefined) return null;
  const saved = strong.estimatedCost > 0 ? 1 - decision.estimatedCost / strong.estimatedCost : 0;
  return (
    <div>
      <dt>{t(pair.value ? "playground.alwaysStrong" : "playground.alwaysDearest")}</dt>
      <dd>
        {usd(strong.estimatedCost)}
        {saved > 0 && <span class="saved"> {t("playground.saved", { share: percent(saved) })}</span>}
      </dd>
    </div>
  );
}
