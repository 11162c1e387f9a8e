// Quality against cost: the open bundle's curve, and a month's bill.

/** @import { CostQuality } from "pointsman" */
/** @import { ShareCurve } from "../model/curve.js" */

import { CostQualityChart } from "../charts/cost-quality.jsx";
import { MeansChart } from "../charts/means.jsx";
import { percent, percentFine, t, whole } from "../i18n.js";
import { curvesOf, gapRecovered, valueAt } from "../model/curve.js";
import { Bill } from "../parts/bill.jsx";
import { ShareSlider } from "../parts/policy-control.jsx";
import { PriceTable } from "../parts/price-table.jsx";
import { opened, pair, share } from "../state.js";

export function TradeOff() {
  const { byShare, byMeans } = curvesOf(opened().info);
  return (
    <>
      <p class="lead">{t(byShare || !byMeans ? "tradeOff.lead" : "tradeOff.leadMeans")}</p>
      <div class="columns wide-left">
        <section class="panel" aria-labelledby="curve-title">
          <h2 id="curve-title">{t("tradeOff.title")}</h2>
          {byShare && <ByShare curve={byShare} />}
          {!byShare && byMeans && (
            <>
              <MeansChart curve={byMeans} />
              <Rows curve={byMeans} />
            </>
          )}
          {!byShare && !byMeans && <p>{t("tradeOff.noCurve")}</p>}
        </section>
        <div class="stack">
          <section class="panel" aria-labelledby="bill-title">
            <h2 id="bill-title">{t("bill.title")}</h2>
            <Bill />
          </section>
          <section class="panel" aria-labelledby="prices-title">
            <h2 id="prices-title">{t("prices.title")}</h2>
            <PriceTable />
          </section>
        </div>
      </div>
    </>
  );
}

/** @param {{curve: ShareCurve}} props */
function ByShare({ curve }) {
  const at = share.value;
  const quality = at === undefined ? undefined : valueAt(curve.router, at);
  return (
    <>
      {pair.value && <ShareSlider />}
      {at !== undefined && quality !== undefined && (
        <dl class="figures">
          <div>
            <dt>{t("tradeOff.strongCalls")}</dt>
            <dd>{percent(at)}</dd>
          </div>
          <div>
            <dt>{t("tradeOff.quality", { dataset: curve.dataset })}</dt>
            <dd id="quality">{percentFine(quality)}</dd>
          </div>
          <div>
            <dt>
              <abbr title={t("tradeOff.pgrLong")}>PGR</abbr>
            </dt>
            <dd id="pgr">{percentFine(gapRecovered(curve, quality))}</dd>
          </div>
        </dl>
      )}
      <CostQualityChart curve={curve} share={at} />
      <Rows curve={curve} />
    </>
  );
}

/** @param {{curve: CostQuality}} props */
function Rows({ curve: { dataset, rows, removed_as_leaks: leaks, held_out: heldOut } }) {
  return (
    <p class="quiet">
      {t("tradeOff.rows", { dataset, rows: whole(rows), leaks: whole(leaks) })}{" "}
      {t(heldOut ? "tradeOff.heldOut" : "tradeOff.notHeldOut")}
    </p>
  );
}
