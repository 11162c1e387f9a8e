// Samples to the rows of a report.

import { coldRow } from "../rows.mjs";
import { ratio, summary } from "../statistics.mjs";
import { OURS } from "./engines.mjs";
import { blockingTime, layoutShift } from "./vitals.mjs";

/**
 * A first visit.
 * @param {object} seen as watch.mjs leaves it
 * @param {{bytes: number, end: number}[]} transfers as `countTransfers` has them
 */
export function visitRow({ origin, fcp, lcp, shifts, tasks, ready }, transfers) {
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

/** The order statistics of every figure over some rows. */
export function figuresOf(rows) {
  const names = Object.keys(rows[0]);
  return Object.fromEntries(names.map((name) => [name, summary(rows.map((row) => row[name]))]));
}

/**
 * First decisions on a bundle, a row an engine; a peer's ratio is its time divided by ours, round by round.
 * @param {Record<string, {load: number, decide: number, all: number}[]>} times one a round, by engine
 */
export function loadRows(bundle, times) {
  const all = (engine) => times[engine].map((time) => time.all);
  return Object.keys(times).map((engine) => ({
    ...coldRow({ host: "chromium", bundle, engine }, times[engine]),
    ratio: engine === OURS ? undefined : ratio(all(engine), all(OURS)),
  }));
}

/** One length on a bundle, a row an engine, ours first: `results` as `takeTurns` has them. */
export function routeRows(bundle, { tokens, apart, results }) {
  const ours = results.find(({ name }) => name === OURS);
  return results.map(({ name, calls, times }) => ({
    bundle,
    tokens,
    engine: name,
    rounds: times.length,
    calls,
    apart: apart[name],
    ...summary(times),
    ratio: name === OURS ? undefined : ratio(times, ours.times),
  }));
}

function bytesOf(transfers) {
  return transfers.reduce((sum, { bytes }) => sum + bytes, 0);
}
