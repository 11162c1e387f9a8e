// The list of the page's bundles.

import available from "virtual:bundles";

import { t } from "../i18n.js";
import { openBundle } from "../open-bundle.js";
import { bundle } from "../state.js";

export function BundlePicker() {
  const { id, own } = bundle.value;
  const chosen = (/** @type {import("preact").TargetedEvent<HTMLSelectElement>} */ { currentTarget }) =>
    openBundle(currentTarget.value);
  return (
    <label class="picker">
      <span>{t("bundle.pick")}</span>
      <select value={own ? "" : id} onChange={chosen}>
        {own && <option value="">{id}</option>}
        {available.map(({ id: name, candidates, tier }) => (
          <option key={name} value={name}>
            {name} · {tier} · {t("bundle.candidates", { count: candidates })}
          </option>
        ))}
      </select>
    </label>
  );
}
