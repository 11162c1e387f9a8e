// The gateway benchmark's report as Markdown: its page, and its section of a run's summary.

import { conditions } from "../conditions.mjs";
import { addedRatio } from "./rows.mjs";

export const title = "Time that the Worker adds to a call, and requests per second, beside Portkey's gateway";

/** The command that made a report. */
export function command({ settings: { rounds, seconds } }) {
  return `cargo xtask bench gateway --rounds ${rounds} --seconds ${seconds}`;
}

/** Everything measured. */
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

/** The run's summary: milliseconds added, and requests per second. */
export function brief(report) {
  const contestants = report.contestants.filter(({ name }) => name !== "direct");
  const names = contestants.map(({ name }) => name);
  const added = (rows) => names.map((name) => ms(rows.find((row) => row.name === name).added.p50));
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
      const of = (name) => Math.round(rates.find((one) => one.name === name).rate);
      return `| requests per second, ${concurrency} at once | ${names.map(of).join(" | ")} |`;
    }),
    "",
    ...losses(report),
    ...about(report),
    "",
  ].join("\n");
}

/** At how many requests at once Portkey served more than the Worker with the default bundle. */
function losses({ load }) {
  const rate = (rates, name) => rates.find((one) => one.name === name)?.rate;
  const lost = load.filter(({ rates }) => rate(rates, "portkey") > rate(rates, "static"));
  if (lost.length === 0) return [];
  const at = lost.map(({ concurrency }) => concurrency).join(" and ");
  return [`At ${at} requests at once Portkey serves more requests per second than \`static\`.`, ""];
}

/** What a report was made with. */
export function about(report) {
  const { rounds, seconds } = report.settings;
  return conditions(report, report.loadAverage, `up to ${rounds} rounds or ${seconds} s`);
}

function latencyTable(rows) {
  const ours = rows.map(({ name }) => name).filter((name) => name === "static" || name === "mini");
  return [
    `| ms | rounds | p50 | p95 | added p50 | added p95 |${ours.map((name) => ` added by that of ${name} |`).join("")}`,
    `| --- |${" ---: |".repeat(5 + ours.length)}`,
    ...rows.map(({ name, rounds, p50, p95, added }) => {
      const ratios = ours.map((one) => (added ? times(addedRatio(rows, name, one)) : "–"));
      return `| ${[name, rounds, ms(p50), ms(p95), added ? ms(added.p50) : "–", added ? ms(added.p95) : "–", ...ratios].join(" | ")} |`;
    }),
  ];
}

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

function ms(value) {
  return value.toFixed(2);
}

function times(value) {
  return value === undefined ? "–" : value.toFixed(2);
}
