// The candidates' prices, which the user can change.

import { t } from "../i18n.js";
import { opened, prices } from "../state.js";
import { NumberField } from "./field.jsx";

export function PriceTable() {
  const changed = Object.keys(prices.value).length > 0;
  const { candidates } = opened().info;
  const dates = [...new Set(candidates.map(({ prices_as_of: date }) => date).filter(Boolean))];
  return (
    <>
      <table class="prices">
        <caption class="quiet">
          {t("prices.unit")} {dates.length > 0 && t("prices.asOf", { date: dates.join(", ") })}
        </caption>
        <thead>
          <tr>
            <th scope="col">{t("model")}</th>
            <th scope="col">{t("prices.input")}</th>
            <th scope="col">{t("prices.output")}</th>
          </tr>
        </thead>
        <tbody>
          {candidates.map(({ id, input_price: input, output_price: output }) => (
            <tr key={id}>
              <th scope="row">{id}</th>
              <td>
                <NumberField
                  hidden
                  label={`${id}: ${t("prices.input")}`}
                  value={input}
                  onValue={(value) => set(id, { input: value, output })}
                />
              </td>
              <td>
                <NumberField
                  hidden
                  label={`${id}: ${t("prices.output")}`}
                  value={output}
                  onValue={(value) => set(id, { input, output: value })}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {changed && (
        <button type="button" onClick={reset}>
          {t("prices.reset")}
        </button>
      )}
    </>
  );
}

/** @param {string} id @param {import("../model/money.js").Price} price */
function set(id, price) {
  prices.value = { ...prices.value, [id]: price };
}

function reset() {
  prices.value = {};
}
