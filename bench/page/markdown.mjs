// The page benchmark's report as Markdown: its page, and its section of a run's summary.

/** @import { Sizes } from "../bytes.mjs" */
/** @import { Load, Origin } from "../conditions.mjs" */
/** @import { BundleRow } from "../markdown.mjs" */
/** @import { Summary } from "../statistics.mjs" */
/** @import { Good } from "./devices.mjs" */
/** @import { LoadRow, RouteRow, Visit } from "./rows.mjs" */

import { conditions } from "../conditions.mjs";
import { mb, ms, spread, times } from "../figures.mjs";
import { OURS } from "./engines.mjs";

/**
 * @typedef {{device: string, about: string, good: Good, network?: {downloadThroughput: number},
 *   first: Record<keyof Visit, Summary>, again: {ready: Summary}}} VisitsRow
 * @typedef {Sizes & {bundle: string, engine: string, files: {path: string, bytes: number}[]}} FetchedRow
 * @typedef {Origin & {settings: {runs: number, rounds: number, seconds: number}, loadAverage: Load, budget: number,
 *   visits: VisitsRow[], engines: {name: string, about: string}[], bundles: Omit<BundleRow, "shape">[], loads: LoadRow[],
 *   fetched: FetchedRow[], routes: RouteRow[]}} Report
 * @typedef {(value: number) => string} Written
 */

/** @type {Written} */
const seconds = (value) => (value / 1000).toFixed(2);
/** @type {Written} */
const milliseconds = (value) => value.toFixed(0);
/** @type {Written} */
const share = (value) => value.toFixed(3);

/**
 * Seconds that a slowed device's line needs for these bytes alone.
 * @type {(visit: VisitsRow, bytes: Summary) => string}
 */
const overLine = ({ network }, { p50 }) => (network ? seconds((p50 / network.downloadThroughput) * 1000) : "–");

/**
 * Rows of the visits: name, how the figure is read and written, and the limit it is compared with.
 * @type {[name: string, of: (visit: VisitsRow) => Summary, written: Written, limit?: keyof Good | "bytes"][]}
 */
const VISIT = [
  ["first contentful paint, s", ({ first }) => first.fcp, seconds, "fcp"],
  ["largest contentful paint, s", ({ first }) => first.lcp, seconds, "lcp"],
  ["total blocking time until ready, ms", ({ first }) => first.tbt, milliseconds, "tbt"],
  ["cumulative layout shift", ({ first }) => first.cls, share, "cls"],
  ["ready to route, s", ({ first }) => first.ready, seconds],
  ["MB transferred until then", ({ first }) => first.bytesUntilReady, mb],
  ["requests until then", ({ first }) => first.requestsUntilReady, milliseconds],
  ["MB transferred in all", ({ first }) => first.bytes, mb, "bytes"],
  ["requests in all", ({ first }) => first.requests, milliseconds],
  ["ready on the second visit, s", ({ again }) => again.ready, seconds],
];

export const title = "Visits of the demo page, and the package beside transformers.js, in Chromium";

/**
 * The command that made a report.
 * @param {Report} report
 */
export function command({ settings: { runs, rounds, seconds }, bundles }) {
  const names = bundles.map(({ name }) => name).join(",");
  return `cargo xtask bench page --bundles ${names} --runs ${runs} --rounds ${rounds} --seconds ${seconds}`;
}

/**
 * Everything measured.
 * @param {Report} report
 */
export function whole(report) {
  return [
    "# The page and the package in Chromium",
    "",
    "Made by `cargo xtask bench page`; no number here is typed by hand.",
    "",
    ...about(report),
    "",
    "## Visits of the demo page",
    "",
    "The built page from loopback, compressed with Brotli as a static host sends it. Every first visit has a browser",
    "context of its own with empty caches; the second comes after it in the same context, its service worker stopped",
    "meanwhile. Medians, with the least and the most. Blocking is counted between the first paint and the moment when the",
    'page can route (`html[data-ready]`); whether it then routes is tried. Bytes are heads and bodies as sent; "in all"',
    "has the service worker's copies too. Beside each figure stands what Lighthouse calls good on that kind of device, and",
    `the page's own budget of ${mb(report.budget)} MB: these are limits, not a Lighthouse score. Lighthouse slows a desk's network to`,
    "10 Mbit/s and 40 ms; here a desk is not slowed. Chromium slows requests, not packets, and of the CPU the main thread",
    "alone: the engine's wasm compiles on other threads at full speed.",
    "",
    ...report.visits.map(({ device, about }) => `- ${device}: ${about}`),
    "",
    ...visitsTable(report),
    "",
    "## The package beside transformers.js",
    "",
    "One thread each, on the same graph and tokenizer: the package from text to decision, transformers.js from text to",
    "embedding (its own pick of a candidate would come on top). The embeddings are compared before anything is timed. In",
    "Chromium transformers.js takes ONNX Runtime's build for CPU and GPU, whatever device it is asked for; that for the CPU",
    "alone has to be named in its `wasmPaths`: both are measured.",
    "",
    "| engine | is |",
    "| --- | --- |",
    ...report.engines.map(({ name, about }) => `| ${name} | ${about} |`),
    "",
    ...report.bundles.map(
      ({ name, about, bytes }) => `- ${name}: ${about}; ${mb(bytes.raw)} MB, ${mb(bytes.gzip)} after gzip`,
    ),
    "",
    "### From an empty page to the first decision",
    "",
    "JavaScript, wasm and bundle come from loopback, uncompressed, nothing from a cache; the modules are imported as they",
    "lie in the npm packages, without a bundler. Fresh page and browser context each time, in turns. A ratio is the peer's",
    "time by ours of the same round, median and quartiles: above 1 ours is faster. What the network of a real visitor adds",
    "goes by the bytes.",
    "",
    ...loadsTable(report),
    "",
    "### A query",
    "",
    'In turns, round by round; warm, no answer remembered. "Apart" is how far a peer\'s embedding is from ours at most: two',
    "ways to quantise activations, where it is not 0.",
    "",
    ...routesTable(report),
    "",
    "## Bytes of the package by host",
    "",
    "What a page by Vite, webpack or esbuild, a Worker, Node and Deno download or ship:",
    "[router-wasm/js/README.md](../../../router-wasm/js/README.md#bytes), printed by `node --test tests/package/size.test.mjs`.",
    "",
  ].join("\n");
}

/**
 * The run's summary: visits, first decisions, queries.
 * @param {Report} report
 */
export function brief(report) {
  return [
    "Visits of the demo page. The phone is the one that Lighthouse has by default, slowed as Lighthouse slows it.",
    "\"Good\" is Lighthouse's limit; for bytes it is the page's own.",
    "",
    ...visitsTable(report),
    "",
    "The package in a page, beside transformers.js on the same graph. A ratio is the time of transformers.js divided by",
    "ours: above 1 ours is faster. From an empty page to the first decision:",
    "",
    ...loadsTable(report),
    "",
    'A query, in turns; "apart" is the largest difference between the embeddings:',
    "",
    ...routesTable(report),
    "",
    ...about(report),
    "",
  ].join("\n");
}

/**
 * What a report was made with.
 * @param {Report} report
 */
export function about(report) {
  const { runs, rounds, seconds } = report.settings;
  const limits = `${runs} visits and first decisions each, queries up to ${rounds} rounds or ${seconds} s`;
  return conditions(report, report.loadAverage, limits);
}

/** @param {Report} report */
function visitsTable({ visits, budget }) {
  const head = visits.flatMap(({ device }) => [device, "good"]);
  return [
    `| a first visit, median (least to most) | ${head.join(" | ")} |`,
    `| --- |${" ---: |".repeat(head.length)}`,
    ...VISIT.map(([name, of, written, limit]) => {
      const cells = visits.flatMap((visit) => {
        const most = limit && { ...visit.good, bytes: budget }[limit];
        const found = of(visit);
        return [
          `${written(found.p50)} (${written(found.min)} to ${written(found.max)})`,
          held(found.p50, most, written),
        ];
      });
      return `| ${name} | ${cells.join(" | ")} |`;
    }),
    `| s that these bytes until ready take by themselves | ${visits.flatMap((visit) => [overLine(visit, visit.first.bytesUntilReady), "–"]).join(" | ")} |`,
  ];
}

/**
 * A limit, and whether it is missed.
 * @param {number} found
 * @param {number | undefined} most
 * @param {Written} written
 */
function held(found, most, written) {
  if (most === undefined) return "–";
  return found > most ? `${written(most)}, **missed**` : written(most);
}

/** @param {Report} report */
function loadsTable({ loads, fetched }) {
  return [
    "| bundle | engine | first decision, median ms (least to most) | of it loading | ratio | requests | MB | MB gzip -9 |",
    `| --- | --- |${" ---: |".repeat(6)}`,
    ...loads.map(({ bundle, engine, all, load, ratio }) => {
      const its = fetched.find((row) => row.bundle === bundle && row.engine === engine);
      if (!its) throw new Error(`the report lacks what ${engine} fetched for ${bundle}`);
      const { files, raw, gzip } = its;
      const cells = [
        bundle,
        engine,
        `${ms(all.p50)} (${ms(all.min)} to ${ms(all.max)})`,
        ms(load.p50),
        spread(ratio),
        files.length,
        mb(raw),
        mb(gzip),
      ];
      return `| ${cells.join(" | ")} |`;
    }),
  ];
}

/** @param {Report} report */
function routesTable({ routes, engines }) {
  const peers = engines.map(({ name }) => name).filter((name) => name !== OURS);
  const cases = routes.filter(({ engine }) => engine === OURS);
  return [
    `| bundle | tokens | rounds | ours p50 ms | p95 |${peers.map((name) => ` ${name}: p50 ms | p95 | ratio | apart |`).join("")}`,
    `| --- |${" ---: |".repeat(4 + 4 * peers.length)}`,
    ...cases.map(({ bundle, tokens, rounds, p50, p95 }) => {
      const cells = peers.flatMap((name) => {
        const row = routes.find((one) => one.engine === name && one.bundle === bundle && one.tokens === tokens);
        if (!row) throw new Error(`the report lacks ${name} on ${bundle} at ${tokens} tokens`);
        return [ms(row.p50), ms(row.p95), spread(row.ratio), times(row.apart)];
      });
      return `| ${[bundle, tokens, rounds, ms(p50), ms(p95), ...cells].join(" | ")} |`;
    }),
  ];
}
