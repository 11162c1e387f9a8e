// The decisions on many queries: counts, the distribution, a table, a file to download.

/** @import { Decision, Policy } from "pointsman" */
/** @import { RoutedRow } from "../model/decisions-csv.js" */

import { useState } from "preact/hooks";

import { BarsChart } from "../charts/bars.jsx";
import { WinRatesChart } from "../charts/win-rates.jsx";
import { fraction, percentFine, t, usd, whole } from "../i18n.js";
import { decisionsCsv, decisionsOf, textOf } from "../model/decisions-csv.js";
import { policy as current } from "../state.js";
import { ScrollRegion } from "./scroll-region.jsx";

const PAGE = 100;
const LONGEST_SHOWN = 240;

/** @param {{rows: RoutedRow[], policy: Policy, name?: string}} props `policy` is the one that they were routed with */
export function RoutedQueries({ rows, policy, name }) {
  const decisions = decisionsOf(rows);
  const winRates = decisions.flatMap(({ winRate }) => winRate ?? []);
  const threshold = decisions.find((decision) => decision.threshold !== undefined)?.threshold;
  return (
    <section class="panel results" aria-labelledby="results-title">
      <h2 id="results-title">{t("queries.results", { count: whole(rows.length) })}</h2>
      {JSON.stringify(policy) !== JSON.stringify(current.value) && (
        <p class="quiet" role="status">
          {t("queries.changed")}
        </p>
      )}
      <Counts decisions={decisions} failed={rows.length - decisions.length} />
      {threshold !== undefined && winRates.length > 1 ? (
        <WinRatesChart winRates={winRates} threshold={threshold} />
      ) : (
        decisions.length > 0 && <ByModel decisions={decisions} />
      )}
      <div class="row">
        <button type="button" onClick={() => download(rows, name)}>
          {t("queries.download")}
        </button>
      </div>
      <Table rows={rows} />
    </section>
  );
}

/**
 * How many decisions each model has, most first.
 * @param {Decision[]} decisions
 */
function byModel(decisions) {
  return [...Map.groupBy(decisions, ({ model }) => model)]
    .map(([model, own]) => ({ model, count: own.length }))
    .sort((a, b) => b.count - a.count);
}

/** @param {{decisions: Decision[]}} props */
function ByModel({ decisions }) {
  const rows = byModel(decisions).map(({ model, count }) => ({
    name: model,
    value: count,
    text: whole(count),
    fill: "var(--accent)",
  }));
  return <BarsChart rows={rows} axis={{ label: `${t("queries.queries")} →` }} label={t("queries.byModel")} />;
}

/** @param {{decisions: Decision[], failed: number}} props */
function Counts({ decisions, failed }) {
  const costs = decisions.flatMap(({ estimatedCost }) => estimatedCost ?? []);
  const cost = costs.length === decisions.length ? costs.reduce((sum, one) => sum + one, 0) : undefined;
  return (
    <dl class="figures">
      {byModel(decisions).map(({ model, count }) => (
        <div key={model}>
          <dt>{model}</dt>
          <dd>
            {whole(count)} <span class="quiet">{percentFine(count / decisions.length)}</span>
          </dd>
        </div>
      ))}
      {failed > 0 && (
        <div>
          <dt>{t("queries.refusedByEngine")}</dt>
          <dd>{whole(failed)}</dd>
        </div>
      )}
      {decisions.length > 0 && (
        <div>
          <dt>{t("cost")}</dt>
          <dd>{usd(cost)}</dd>
        </div>
      )}
    </dl>
  );
}

/** @typedef {"line" | "winRate" | "cost"} Order */

/**
 * The table's sort orders; rows without the value come last.
 * @type {Record<Order, (a: RoutedRow, b: RoutedRow) => number>}
 */
const ORDERS = {
  line: (a, b) => a.line - b.line,
  winRate: (a, b) => (b.outcome.decision?.winRate ?? -1) - (a.outcome.decision?.winRate ?? -1),
  cost: (a, b) => (b.outcome.decision?.estimatedCost ?? -1) - (a.outcome.decision?.estimatedCost ?? -1),
};

/** @param {{rows: RoutedRow[]}} props */
function Table({ rows }) {
  const [order, setOrder] = useState(/** @type {Order} */ ("line"));
  const [page, setPage] = useState(0);
  const pages = Math.ceil(rows.length / PAGE);
  const shown = rows.toSorted(ORDERS[order]).slice(page * PAGE, (page + 1) * PAGE);
  const heading = (/** @type {Order} */ name, /** @type {string} */ text, kind = "") => (
    <th
      scope="col"
      class={kind}
      aria-sort={order === name ? (name === "line" ? "ascending" : "descending") : undefined}
    >
      <button
        type="button"
        class="plain"
        onClick={() => {
          setOrder(name);
          setPage(0);
        }}
      >
        {text}
        {order === name && " ↓"}
      </button>
    </th>
  );
  return (
    <>
      <ScrollRegion label={t("queries.table")}>
        <table class="queries">
          <thead>
            <tr>
              {heading("line", t("queries.lineShort"), "number")}
              <th scope="col">{t("playground.query")}</th>
              <th scope="col">{t("model")}</th>
              {heading("winRate", t("winRate"), "number")}
              {heading("cost", t("cost"), "number")}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <QueryRow key={row.line} {...row} />
            ))}
          </tbody>
        </table>
      </ScrollRegion>
      {pages > 1 && (
        <div class="row pages">
          <button type="button" disabled={page === 0} onClick={() => setPage(page - 1)}>
            {t("queries.previous")}
          </button>
          <span>{t("queries.page", { page: whole(page + 1), pages: whole(pages) })}</span>
          <button type="button" disabled={page + 1 === pages} onClick={() => setPage(page + 1)}>
            {t("queries.next")}
          </button>
        </div>
      )}
    </>
  );
}

/** @param {RoutedRow} props */
function QueryRow({ line, input, outcome: { decision, error } }) {
  const text = textOf(input);
  return (
    <tr>
      <td class="number">{line}</td>
      <td class="query-text">{text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text}</td>
      {decision ? (
        <>
          <td>{decision.model}</td>
          <td class="number">{decision.winRate === undefined ? "–" : fraction(decision.winRate)}</td>
          <td class="number">{usd(decision.estimatedCost)}</td>
        </>
      ) : (
        <td colSpan={3} class="refused">
          {error.message} <code>{error.code}</code>
        </td>
      )}
    </tr>
  );
}

/** @param {RoutedRow[]} rows @param {string} [name] of the file that they came from */
function download(rows, name) {
  const address = URL.createObjectURL(new Blob(["\ufeff", decisionsCsv(rows)], { type: "text/csv;charset=utf-8" }));
  const link = Object.assign(document.createElement("a"), {
    href: address,
    download: `${(name || "queries").replace(/\.\w+$/, "")}-routed.csv`,
  });
  link.click();
  URL.revokeObjectURL(address);
}
