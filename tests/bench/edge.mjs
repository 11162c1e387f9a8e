// What routing costs at the edge, measured in Node: bytes to download, time from bytes to the
// first decision, time per query; ONNX Runtime's wasm on the same graph beside it.
//
// `node tests/bench/edge.mjs [--bundle FOLDER] [--json FILE] [--runs 5] [--queries 200]`

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";

import { Router } from "switchyard-router";

import { DEFAULT, ROOT, bundleFiles, readJson } from "../hosts/paths.mjs";
import { onnxRuntime } from "./onnx-runtime.mjs";

const SENTENCE = "A train leaves the junction every twelve minutes, and the signal box keeps a log of each one. ";
const QUERIES = {
  short: "What is the capital of Italy?",
  medium: SENTENCE.repeat(5) + "How many trains pass in a day?",
  long: SENTENCE.repeat(100) + "How many trains pass in a day?",
};

const { values } = parseArgs({
  options: {
    bundle: { type: "string", default: DEFAULT },
    json: { type: "string" },
    runs: { type: "string", default: "5" },
    queries: { type: "string", default: "200" },
  },
});
const runs = count("--runs", values.runs);
const rounds = count("--queries", values.queries);

const report = {
  bundle: relative(ROOT, values.bundle) || values.bundle,
  node: process.version,
  cpu: `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} logical`,
  bytes: bytes(),
  firstDecision: firstDecision(),
  perQuery: await perQuery(),
  onnxRuntime: await reference(),
};
console.log(markdown(report));
if (values.json) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);

function bytes() {
  const wasm = readFileSync(join(ROOT, "router-wasm/js/pkg/switchyard_router_bg.wasm"));
  const bundle = Object.values(bundleFiles(values.bundle));
  const sizes = (parts) => ({
    raw: sum(parts.map((part) => part.length)),
    gzip: sum(parts.map((part) => gzipSync(part, { level: 9 }).length)),
  });
  return { wasm: sizes([wasm]), bundle: sizes(bundle), both: sizes([wasm, ...bundle]) };
}

/** In fresh processes: nothing is compiled or cached yet. */
function firstDecision() {
  const script = fileURLToPath(new URL("first-decision.mjs", import.meta.url));
  const times = Array.from({ length: runs }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, values.bundle, QUERIES.short], { encoding: "utf8" });
    if (status !== 0) throw new Error(`first-decision.mjs failed: ${stderr}`);
    return JSON.parse(stdout);
  });
  const spread = (field) => summary(times.map((time) => time[field]));
  return { runs, load: spread("load"), decide: spread("decide"), all: spread("all") };
}

async function perQuery() {
  const router = await Router.load(values.bundle);
  const results = {};
  for (const [name, query] of Object.entries(QUERIES)) {
    for (let i = 0; i < 20; i += 1) router.route(query);
    const times = Array.from({ length: rounds }, () => timed(() => router.route(query)));
    results[name] = { tokens: router.route(query).tokens, characters: query.length, ...summary(times) };
  }
  router.free();
  return results;
}

/**
 * The graph alone in both runtimes is not to be had from the public surface, so ours includes the
 * tokenizer and the policy: the comparison is to our disadvantage. Ids come from the fixture; ours
 * is given a query of as many tokens. The two take turns, so that a busy machine hits both.
 */
async function reference() {
  const fixture = readJson(join(ROOT, "tests/fixtures/onnx-ids.json"));
  const folder = relative(ROOT, resolve(values.bundle));
  const cases = fixture[folder];
  if (!cases) {
    console.error(`onnx-ids.json holds no ids for ${folder}: ONNX Runtime is not measured beside it`);
    return [];
  }
  const run = await onnxRuntime(join(values.bundle, "model.onnx"));
  const router = await Router.load(values.bundle);
  const results = [];
  for (const { ids } of spreadOut(cases)) {
    const query = queryOf(router, ids.length);
    for (let i = 0; i < 20; i += 1) {
      await run(ids);
      router.route(query);
    }
    const [theirs, ours] = [[], []];
    for (let i = 0; i < rounds; i += 1) {
      const start = performance.now();
      await run(ids);
      theirs.push(performance.now() - start);
      ours.push(timed(() => router.route(query)));
    }
    results.push({ ids: ids.length, tokens: router.route(query).tokens, onnxRuntime: summary(theirs), switchyard: summary(ours) });
  }
  router.free();
  return results;
}

/** The shortest, the longest and three between, by their number of ids. */
function spreadOut(cases) {
  const lengths = new Map(cases.map((one) => [one.ids.length, one]));
  const sorted = [...lengths.values()].sort((a, b) => a.ids.length - b.ids.length);
  const picks = [0, 0.25, 0.5, 0.75, 1].map((share) => sorted[Math.round(share * (sorted.length - 1))]);
  return [...new Set(picks)];
}

/** Our own text of `tokens` tokens, or the fewest more that words allow. */
function queryOf(router, tokens) {
  const words = SENTENCE.repeat(200).trim().split(" ");
  let [low, high] = [1, words.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (router.route(words.slice(0, middle).join(" ")).tokens >= tokens) high = middle;
    else low = middle + 1;
  }
  return words.slice(0, low).join(" ");
}

function timed(action) {
  const start = performance.now();
  action();
  return performance.now() - start;
}

function summary(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { p50: at(0.5), p95: at(0.95), min: sorted[0], max: sorted.at(-1) };
}

function markdown({ bundle, node, cpu, bytes: sizes, firstDecision: first, perQuery: queries, onnxRuntime: beside }) {
  const ms = (value) => value.toFixed(value < 10 ? 3 : 1);
  const lines = [
    `Bundle ${bundle}, Node ${node}, ${cpu}.`,
    "",
    "| bytes | raw | gzip -9 |",
    "| --- | ---: | ---: |",
    ...["wasm", "bundle", "both"].map((part) => `| ${part} | ${sizes[part].raw} | ${sizes[part].gzip} |`),
    "",
    `| bytes to first decision, ${first.runs} fresh processes | median ms | min | max |`,
    "| --- | ---: | ---: | ---: |",
    ...["load", "decide", "all"].map((part) => `| ${part} | ${ms(first[part].p50)} | ${ms(first[part].min)} | ${ms(first[part].max)} |`),
    "",
    `| query, ${rounds} times | tokens | p50 ms | p95 ms |`,
    "| --- | ---: | ---: | ---: |",
    ...Object.entries(queries).map(([name, { tokens, p50, p95 }]) => `| ${name} | ${tokens} | ${ms(p50)} | ${ms(p95)} |`),
    "",
    "| taking turns with ONNX Runtime (wasm, one thread) | theirs, graph only: p50 ms | p95 | ours, text to decision: p50 ms | p95 |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...beside.map(({ ids, tokens, onnxRuntime: theirs, switchyard: ours }) =>
      `| ${ids} ids, text of ${tokens} tokens | ${ms(theirs.p50)} | ${ms(theirs.p95)} | ${ms(ours.p50)} | ${ms(ours.p95)} |`),
  ];
  return lines.join("\n");
}

function count(name, text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`${name} is ${text}: expected a whole number, 1 or more`);
  return number;
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
