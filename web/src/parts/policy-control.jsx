// The policy: a share of strong calls, a threshold, or a cost weight.

/** @import { Mode } from "../model/deep-link.js" */

import { fraction, percent, t } from "../i18n.js";
import { amounts, calibration, mode, modes, pair, setShare, share, switchMode } from "../state.js";
import { Choice, Slider } from "./field.jsx";

/** Largest cost weight, in score per USD, since an answer costs a fraction of a cent. The slider is quadratic. */
const MOST_WEIGHT = 400;

export function PolicyControl() {
  if (modes.value.length === 0) return <p class="quiet">{t("policy.best")}</p>;
  const current = modes.value.includes(mode.value) ? mode.value : modes.value[0];
  const options = modes.value.map((name) => /** @type {[Mode, string]} */ ([name, t(`policy.${name}`)]));
  return (
    <div class="policy">
      {options.length > 1 && (
        <Choice legend={t("policy.legend")} name="mode" options={options} value={current} onValue={switchMode} />
      )}
      <PolicySlider mode={current} />
      <p class="quiet">{note(current)}</p>
    </div>
  );
}

/** The slider for the share of strong calls. */
export function ShareSlider() {
  const value = share.value ?? amounts.strongShare.value;
  return <Slider label={t("tradeOff.strongCalls")} value={value} text={percent(value)} onValue={setShare} />;
}

/** @param {{mode: Mode}} props */
function PolicySlider({ mode: current }) {
  const amount = amounts[current];
  const set = (/** @type {number} */ value) => {
    amount.value = value;
  };
  if (current === "strongShare") return <ShareSlider />;
  if (current === "threshold") {
    return (
      <Slider label={t("threshold")} value={amount.value} step={0.001} text={fraction(amount.value)} onValue={set} />
    );
  }
  const weight = amount.value;
  return (
    <Slider
      label={t("policy.weightLabel")}
      value={Math.sqrt(weight / MOST_WEIGHT)}
      text={String(Math.round(weight))}
      onValue={(value) => set(Math.round(value * value * MOST_WEIGHT))}
    />
  );
}

/** @param {Mode} current */
function note(current) {
  const { strong } = pair.value ?? {};
  const sample = calibration.value?.sample;
  if (current === "strongShare") return t("policy.shareNote", { strong, sample });
  if (current === "costWeight") return t("policy.weightNote");
  return sample !== undefined && share.value !== undefined
    ? t("policy.thresholdNote", { strong, share: percent(share.value), sample })
    : t("policy.thresholdOnly", { strong });
}
