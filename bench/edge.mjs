// Our engine beside ONNX Runtime, host by host and bundle by bundle. `cargo xtask bench edge` makes
// what is measured and starts this.
//
// `node bench/edge.mjs --made FOLDER [--native PROGRAM] [--hosts node,node-simd128,workerd,chromium,native]
//  [--bundles static,mini,FOLDER] [--rounds 200] [--seconds 12] [--cold-runs 5] [--save]`
//
// With --save the report is stored in bench/runs.

/** @import { Host } from "./in-process/measure.mjs" */
/** @import { Entry, Job } from "./job.mjs" */
/** @import { Report } from "./markdown.mjs" */

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { bundleBytes, wasmBytes } from "./bytes.mjs";
import { chromium } from "./hosts/chromium.mjs";
import { native } from "./hosts/native.mjs";
import { node, nodeSimd128 } from "./hosts/node.mjs";
import { workerd } from "./hosts/workerd.mjs";
import { given, jobOn, listed } from "./job.mjs";
import { load, machine } from "./machine.mjs";
import { whole } from "./markdown.mjs";
import { coldRow, memoryRow, turnsRow } from "./rows.mjs";
import { save } from "./runs.mjs";
import { count, installed, PEERS, revision, say, unknown } from "./script.mjs";

const LENGTHS = [8, 32, 128, 512];
const MEMORY_RUNS = 3;
const ENGINES = /** @type {const} */ (["pointsman", "peer"]);

const { values } = parseArgs({
  options: {
    made: { type: "string" },
    native: { type: "string" },
    hosts: { type: "string", default: "node,node-simd128,workerd,chromium,native" },
    bundles: { type: "string" },
    rounds: { type: "string", default: "200" },
    seconds: { type: "string", default: "12" },
    "cold-runs": { type: "string", default: "5" },
    save: { type: "boolean", default: false },
  },
});
const settings = {
  rounds: count("--rounds", values.rounds),
  seconds: count("--seconds", values.seconds),
  coldRuns: count("--cold-runs", values["cold-runs"]),
};
/** @type {Record<string, Host>} */
const known = { node, "node-simd128": nodeSimd128, workerd, chromium, native: native(values.native ?? "") };
const hosts = values.hosts
  .split(",")
  .map((name) => ({ name, measures: known[name] ?? unknown("--hosts", name, known) }));
/** @type {Record<string, Entry>} */
const made = Object.fromEntries(listed(values.made ?? "").map((entry) => [entry.name, entry]));
const bundles = (values.bundles?.split(",") ?? Object.keys(made)).map((name) => {
  const entry = made[name] ?? (existsSync(join(name, "router.json")) && given(resolve(name)));
  return entry || unknown("--bundles", name, made);
});

const before = load();
const jobs = [];
for (const entry of bundles) jobs.push(await jobOn(entry, LENGTHS));
/** @type {Omit<Report, "load">} */
const report = {
  made: new Date().toISOString().slice(0, 10),
  revision: revision(),
  machine: machine(),
  versions: await versions(),
  settings,
  wasm: wasmBytes(),
  bundles: jobs.map(({ name, about, precision, shape, bundle }) => ({
    name,
    about,
    precision,
    shape,
    bytes: bundleBytes(bundle),
  })),
  turns: [],
  cold: [],
  memory: [],
  failed: [],
};
for (const { name: host, measures } of hosts) {
  for (const job of jobs) {
    try {
      await measure(host, measures, job);
    } catch (error) {
      // One host that cannot run a bundle leaves the others' figures standing.
      const { message } = /** @type {Error} */ (error);
      say(`: ${message}\n`);
      report.failed.push({ host, bundle: job.name, error: message });
    }
  }
}
const loaded = { ...report, load: { before, after: load() } };
console.log(whole(loaded));
if (report.failed.length > 0) process.exitCode = 1;
if (values.save) say(`stored in ${save("edge", loaded)}\n`);

/** @param {string} host @param {Host} measures @param {Job} job */
async function measure(host, measures, job) {
  const bundle = job.name;
  say(`${host}, ${bundle}: tokens`);
  const limits = { rounds: settings.rounds, seconds: settings.seconds, ...measures.limits };
  const rows = await measures.turns({ ...job, limits });
  report.turns.push(...rows.map((row) => turnsRow({ host, bundle, shape: job.shape }, row)));
  const shortest = { ...job, cases: job.cases.slice(0, 1) };
  /** @type {Record<"pointsman" | "peer", Awaited<ReturnType<Host["cold"]>>[]>} */
  const times = { pointsman: [], peer: [] };
  say("; cold");
  for (let run = 1; run <= settings.coldRuns; run += 1) {
    say(` ${run}`);
    for (const engine of ENGINES) times[engine].push(await measures.cold({ ...shortest, engine }));
  }
  say("; memory");
  for (const engine of ENGINES) {
    report.cold.push(coldRow({ host, bundle, engine }, times[engine]));
    const runs = [];
    for (let run = 0; run < MEMORY_RUNS; run += 1) runs.push(await measures.memory({ ...job, engine }));
    report.memory.push(memoryRow({ host, bundle, engine }, runs));
  }
  say("\n");
}

async function versions() {
  /** @type {Record<string, string>} */
  const found = { "onnxruntime-web": installed("node_modules/onnxruntime-web") };
  for (const name of ["onnxruntime-node", "@huggingface/tokenizers", "@huggingface/transformers"]) {
    try {
      found[name] = installed(`${PEERS}/${name}`);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ENOENT") throw error;
      found[name] = "not installed";
    }
  }
  for (const { measures } of hosts) Object.assign(found, await measures.versions());
  return found;
}
