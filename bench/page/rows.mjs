// Samples to the rows of a report.

/** @import { Transfer } from "../../tests/web/transfers.mjs" */
/** @import { CaseRow, ColdTime } from "../in-process/measure.mjs" */
/** @import { Summary } from "../statistics.mjs" */
/** @import { Seen } from "./watch.mjs" */

import { coldRow } from "../rows.mjs";
import { ratio, summary } from "../statistics.mjs";
import { OURS } from "./engines.mjs";
import { blockingTime, layoutShift } from "./vitals.mjs";

/**
 * @typedef {ReturnType<typeof visitRow>} Visit
 * @typedef {ReturnType<typeof loadRows>[number]} LoadRow
 * @typedef {ReturnType<typeof routeRows>[number]} RouteRow
 */

/**
 * A first visit.
 * @param {Seen} seen as watch.mjs leaves it
 * @param {Pick<Transfer, "bytes" | "end">[]} transfers as `countTransfers` has them
 */
export function visitRow({ origin, fcp, lcp, shifts, tasks, ready }, transfers) {
  if (fcp === undefined || lcp === undefined || ready === undefined) {
    throw new Error("the page recorded no paint, or was never ready: its visit has no row");
  }
  const before = transfers.filter(({ end }) => end <= origin + ready);
  return {
    fcp,
    lcp,
    cls: layoutShift(shifts),
    tbt: blockingTime(tasks, fcp, ready),
    ready,
    bytesUntilReady: bytesOf(before),
    requestsUntilReady: before.length,
    bytes: bytesOf(transfers),
    requests: transfers.length,
  };
}

/**
 * The order statistics of every figure over some rows.
 * @template {string} Name
 * @param {Record<Name, number>[]} rows
 * @returns {Record<Name, Summary>}
 */
export function figuresOf(rows) {
  const names = /** @type {Name[]} */ (Object.keys(rows[0]));
  const figures = names.map((name) => [name, summary(rows.map((row) => row[name]))]);
  return Object.fromEntries(figures);
}

/**
 * First decisions on a bundle, a row an engine; a peer's ratio is its time divided by ours, round by round.
 * @param {string} bundle
 * @param {Record<string, ColdTime[]>} times one a round, by engine
 */
export function loadRows(bundle, times) {
  const all = (/** @type {string} */ engine) => times[engine].map((time) => time.all);
  return Object.keys(times).map((engine) => ({
    ...coldRow({ host: "chromium", bundle, engine }, times[engine]),
    ratio: engine === OURS ? undefined : ratio(all(engine), all(OURS)),
  }));
}

/**
 * One length on a bundle, a row an engine, ours first.
 * @param {string} bundle
 * @param {CaseRow} row
 */
export function routeRows(bundle, { tokens, apart, results }) {
  const ours = results.find(({ name }) => name === OURS);
  if (!ours) throw new Error(`${OURS} was not measured: the ratios are to it`);
  return results.map(({ name, calls, times }) => ({
    bundle,
    tokens,
    engine: name,
    rounds: times.length,
    calls,
    apart: apart?.[name],
    ...summary(times),
    ratio: name === OURS ? undefined : ratio(times, ours.times),
  }));
}

/** @param {{bytes: number}[]} transfers */
function bytesOf(transfers) {
  return transfers.reduce((sum, { bytes }) => sum + bytes, 0);
}
