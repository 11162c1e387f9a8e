// The three measurements, as they run inside a host. Each needs a fresh process, page or isolate.

/** @import { Case, Job, MeasuredJob } from "../job.mjs" */
/** @import { Limits, Result } from "../turns.mjs" */
/** @import { Apart, Parts } from "./contestants.mjs" */

import { takeTurns } from "../turns.mjs";
import { contestantsOn, NO_CACHE, tokenizerOf } from "./contestants.mjs";
import { onnxRuntime } from "./onnx-runtime.mjs";
import { wasmBytes } from "./wasm-memories.mjs";

/**
 * @typedef {"turns" | "cold" | "memory"} Measure
 * @typedef {{tokens: number, apart: Apart, results: Result[]}} CaseRow
 * @typedef {{load: number, decide: number, all: number}} ColdTime milliseconds
 * @typedef {{tokens: number, wasm?: number, resident?: number}} MemoryAt bytes after queries of a length
 */

/**
 * A host, which makes each measurement in a fresh process, page or isolate.
 *
 * @typedef Host
 * @property {string} about
 * @property {() => Promise<Record<string, string>>} versions
 * @property {{sample: number}} limits milliseconds that a sample must last by the host's clock
 * @property {(job: Job & {limits: Limits}) => Promise<CaseRow[]>} turns
 * @property {(job: Job & {engine: "pointsman" | "peer"}) => Promise<ColdTime>} cold
 * @property {(job: Job & {engine: "pointsman" | "peer"}) => Promise<MemoryAt[]>} memory
 */

/** Calls of each length after which memory no longer grows. */
const SETTLED = 3;

/**
 * Makes one measurement.
 * @param {Measure} measure
 * @param {Parts} parts
 * @param {Pick<MeasuredJob, "cases" | "limits" | "engine">} job
 * @param {(tokens: number) => void} progress
 */
export function measured(measure, parts, job, progress) {
  if (measure === "turns") return turns(parts, job, progress);
  return measure === "cold" ? cold(parts, job) : memory(parts, job);
}

/**
 * Times in turns, a row a case.
 * @param {Parts} parts
 * @param {Pick<MeasuredJob, "cases" | "limits">} job
 * @param {(tokens: number) => void} progress
 */
export async function turns(parts, { cases, limits }, progress) {
  const contestants = await contestantsOn(parts);
  const rows = [];
  for (const [number, one] of cases.entries()) {
    progress(one.tokens);
    rows.push(await row(contestants, one, number, limits));
  }
  return rows;
}

/**
 * The row of one case.
 * @param {Awaited<ReturnType<typeof contestantsOn>>} contestants
 * @param {Case} one
 * @param {number} number
 * @param {Limits} limits
 * @returns {Promise<CaseRow>}
 */
export async function row(contestants, one, number, limits) {
  const { contestants: those, apart } = await contestants(one, number);
  return { tokens: one.tokens, apart, results: await takeTurns(those, limits) };
}

/**
 * From bytes in memory to the first decision: milliseconds of loading and of deciding.
 * @param {Parts} parts
 * @param {Pick<MeasuredJob, "engine" | "cases">} job
 * @returns {Promise<ColdTime>}
 */
async function cold(parts, { engine, cases }) {
  const [one] = cases;
  const start = performance.now();
  const decide = await loaded(engine, parts, parts.wasm);
  const ready = performance.now();
  await decide(one);
  const end = performance.now();
  return { load: ready - start, decide: end - ready, all: end - start };
}

/**
 * Bytes of wasm memory, and bytes by which the process has grown since before loading, after each length.
 * @param {Parts} parts
 * @param {Pick<MeasuredJob, "engine" | "cases">} job
 * @returns {Promise<MemoryAt[]>}
 */
async function memory(parts, { engine, cases }) {
  const before = parts.resident?.() ?? 0;
  const decide = await loaded(engine, parts, parts.wasm);
  const rows = [];
  for (const one of cases) {
    for (let i = 0; i < SETTLED; i += 1) await decide(one);
    const resident = parts.resident && parts.resident() - before;
    rows.push({ tokens: one.tokens, wasm: wasmBytes(), resident });
  }
  return rows;
}

/**
 * One engine alone, from text where it can.
 * @param {MeasuredJob["engine"]} engine
 * @param {Parts} parts
 * @param {Uint8Array} [wasm]
 * @returns {Promise<(one: Case) => unknown>}
 */
async function loaded(engine, parts, wasm) {
  const { Router, files, models, ort, session } = parts;
  if (engine === "pointsman") {
    if (!Router) throw new Error("the npm package's Router is missing among the parts");
    const router = await Router.load(files, { wasm, ...NO_CACHE });
    return ({ text }) => router.route(text);
  }
  // The file made for the peer comes last where there is one.
  const model = Object.values(models).at(-1);
  if (!ort || !model) throw new Error("ONNX Runtime or its graph is missing among the parts");
  const peer = await onnxRuntime(ort, model, session);
  const tokenize = tokenizerOf(parts);
  return ({ text, ids }) => peer.run(peer.inputs(tokenize?.(text) ?? ids));
}
