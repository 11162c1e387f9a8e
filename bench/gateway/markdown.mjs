// The gateway benchmark's report as Markdown: its page, and its section of a run's summary.

/** @import { Load, Origin } from "../conditions.mjs" */
/** @import { Rate } from "./load.mjs" */
/** @import { LatencyRow } from "./rows.mjs" */

import { conditions } from "../conditions.mjs";
import { times } from "../figures.mjs";
import { addedRatio } from "./rows.mjs";

/**
 * @typedef {{concurrency: number, rates: Pick<Rate, "name" | "rate">[]}} LoadRow
 * @typedef {Origin & {settings: {rounds: number, seconds: number}, loadAverage: Load, load: LoadRow[],
 *   contestants: {name: string, about: string, process: string}[],
 *   latency: {whole: LatencyRow[], streamed: LatencyRow[]}}} Report
 */

export const title = "Time that the Worker adds to a call, and requests per second, beside Portkey's gateway";

/**
 * The command that made a report.
 * @param {Pick<Report, "settings">} report
 */
export function command({ settings: { rounds, seconds } }) {
  return `cargo xtask bench gateway --rounds ${rounds} --seconds ${seconds}`;
}

/**
 * Everything measured.
 * @param {Report} report
 */
export function whole(report) {
  const { whole: answers, streamed } = report.latency;
  return [
    "# What a gateway adds",
    "",
    "Made by `cargo xtask bench gateway`; no number here is typed by hand. One client and one stand-in upstream, each",
    'a Node process on loopback; the contestants take turns, round by round. "Added" is a contestant\'s time less the',
    "direct call's of the same round, median and 95th percentile over the rounds. Every request carries a query of its",
    "own, of about forty tokens. Pointsman decides on each request; Portkey's gateway was given its upstream in headers.",
    "On a machine of few cores client, stand-in and contestant share them: rates at many requests at once are those of",
    "all three together.",
    "",
    ...about(report),
    "",
    "| contestant | is | processes |",
    "| --- | --- | --- |",
    ...report.contestants.map(({ name, about, process }) => `| ${name} | ${about} | ${process} |`),
    "",
    "## A whole answer",
    "",
    ...latencyTable(answers),
    "",
    "## A stream's first token",
    "",
    ...latencyTable(streamed),
    "",
    "## Requests per second",
    "",
    ...loadTable(report.load),
    "",
  ].join("\n");
}

/**
 * The run's summary: milliseconds added, and requests per second.
 * @param {Report} report
 */
export function brief(report) {
  const contestants = report.contestants.filter(({ name }) => name !== "direct");
  const names = contestants.map(({ name }) => name);
  const added = (/** @type {LatencyRow[]} */ rows) =>
    names.map((name) => times(rows.find((row) => row.name === name)?.added?.p50));
  return [
    "What a gateway adds to a call of an upstream on loopback, in ms more than the direct call of the same round. The",
    "contestants take turns on the same cores.",
    "",
    ...contestants.map(({ name, about }) => `- \`${name}\`: ${about}`),
    "",
    `| | ${names.join(" | ")} |`,
    `| --- |${" ---: |".repeat(names.length)}`,
    `| ms added to a whole answer, p50 | ${added(report.latency.whole).join(" | ")} |`,
    `| ms added to a stream's first token, p50 | ${added(report.latency.streamed).join(" | ")} |`,
    ...report.load.map(({ concurrency, rates }) => {
      const found = names.map((name) => Math.round(rateOf(rates, name)));
      return `| requests per second, ${concurrency} at once | ${found.join(" | ")} |`;
    }),
    "",
    ...losses(report),
    ...about(report),
    "",
  ].join("\n");
}

/**
 * At how many requests at once Portkey served more than the Worker with the default bundle.
 * @param {Report} report
 */
function losses({ load }) {
  const lost = load.filter(({ rates }) => rateOf(rates, "portkey") > rateOf(rates, "static"));
  if (lost.length === 0) return [];
  const at = lost.map(({ concurrency }) => concurrency).join(" and ");
  return [`At ${at} requests at once Portkey serves more requests per second than \`static\`.`, ""];
}

/**
 * A contestant's requests per second; not a number where it was not measured.
 * @param {LoadRow["rates"]} rates
 * @param {string} name
 */
function rateOf(rates, name) {
  return rates.find((one) => one.name === name)?.rate ?? Number.NaN;
}

/**
 * What a report was made with.
 * @param {Report} report
 */
export function about(report) {
  const { rounds, seconds } = report.settings;
  return conditions(report, report.loadAverage, `up to ${rounds} rounds or ${seconds} s`);
}

/** @param {LatencyRow[]} rows */
function latencyTable(rows) {
  const ours = rows.map(({ name }) => name).filter((name) => name === "static" || name === "mini");
  return [
    `| ms | rounds | p50 | p95 | added p50 | added p95 |${ours.map((name) => ` added by that of ${name} |`).join("")}`,
    `| --- |${" ---: |".repeat(5 + ours.length)}`,
    ...rows.map(({ name, rounds, p50, p95, added }) => {
      const ratios = ours.map((one) => (added ? times(addedRatio(rows, name, one)) : "–"));
      return `| ${[name, rounds, times(p50), times(p95), added ? times(added.p50) : "–", added ? times(added.p95) : "–", ...ratios].join(" | ")} |`;
    }),
  ];
}

/** @param {LoadRow[]} load */
function loadTable(load) {
  const names = load[0].rates.map(({ name }) => name);
  return [
    `| at once | ${names.join(" | ")} |`,
    `| ---: |${" ---: |".repeat(names.length)}`,
    ...load.map(
      ({ concurrency, rates }) => `| ${concurrency} | ${rates.map(({ rate }) => Math.round(rate)).join(" | ")} |`,
    ),
  ];
}
