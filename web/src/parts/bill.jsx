// A month's bill at the policy's share, and with all queries to one candidate.

import { percent, t, usd } from "../i18n.js";
import { decisionsOf } from "../model/decisions-csv.js";
import { monthlyBill } from "../model/money.js";
import { opened, pair, routed, share, usage } from "../state.js";
import { NumberField } from "./field.jsx";

/** @type {[name: keyof typeof usage.value, max: number][]} */
const FIELDS = [
  ["queries", 1e12],
  ["inputTokens", 1e7],
  ["outputTokens", 1e7],
];

export function Bill() {
  const { candidates } = opened().info;

  const shares = sharesOfCalls();
  const routedBill = shares && monthlyBill(candidates, shares.by, usage.value);
  const always = candidates.map(({ id }) => ({ id, bill: monthlyBill(candidates, { [id]: 1 }, usage.value) }));
  const strongest = always.find(({ id }) => id === pair.value?.strong)?.bill;
  const most = Math.max(1e-9, routedBill ?? 0, ...always.map(({ bill }) => bill ?? 0));
  return (
    <>
      <div class="fields">
        {FIELDS.map(([name, max]) => (
          <NumberField
            key={name}
            label={t(`bill.${name}`)}
            value={usage.value[name]}
            max={max}
            onValue={(value) => {
              if (value !== undefined) usage.value = { ...usage.value, [name]: value };
            }}
            step="1"
          />
        ))}
      </div>
      <table class="bills">
        <caption class="hidden-label">{t("bill.title")}</caption>
        <tbody>
          {shares && <Row name={t(`bill.${shares.from}`)} bill={routedBill} most={most} class="routed" />}
          {always
            .filter(({ bill }) => bill !== undefined)
            .map(({ id, bill }) => (
              <Row key={id} name={t("bill.always", { model: id })} bill={bill} most={most} />
            ))}
        </tbody>
      </table>
      {routedBill !== undefined && strongest !== undefined && strongest > 0 && (
        <p id="saving">
          <strong>
            {t("bill.saving", { saved: usd(strongest - routedBill), share: percent(1 - routedBill / strongest) })}
          </strong>
        </p>
      )}
      {always.every(({ bill }) => bill === undefined) && <p>{t("bill.noPrices")}</p>}
      {!shares && <p class="quiet">{t("bill.noShares")}</p>}
    </>
  );
}

/** @param {{name: string, bill?: number, most: number, class?: string}} props */
function Row({ name, bill, most, class: kind = "" }) {
  return (
    <tr class={kind}>
      <th scope="row">
        {name}
        <span class="bar" aria-hidden="true">
          <span style={{ width: `${(100 * (bill ?? 0)) / most}%` }} />
        </span>
      </th>
      <td class="number">{usd(bill)}</td>
    </tr>
  );
}

/**
 * Shares of calls by candidate: the policy's, or those of the user's own queries.
 * @returns {{from: "routed" | "routedOwn", by: Record<string, number>} | undefined}
 */
function sharesOfCalls() {
  if (pair.value && share.value !== undefined) {
    return { from: "routed", by: { [pair.value.strong]: share.value, [pair.value.weak]: 1 - share.value } };
  }
  const decisions = decisionsOf(routed.value?.rows ?? []);
  if (decisions.length === 0) return undefined;
  /** @type {Record<string, number>} */
  const by = {};
  for (const { model } of decisions) by[model] = (by[model] ?? 0) + 1 / decisions.length;
  return { from: "routedOwn", by };
}
