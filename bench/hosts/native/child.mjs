// One measurement natively: the engine in a process of its own, onnxruntime-node in this one. One
// of them computes at a time.

/** @import { Parts } from "../../in-process/contestants.mjs" */
/** @import { ColdTime, Measure, MemoryAt } from "../../in-process/measure.mjs" */
/** @import { Job, MeasuredJob } from "../../job.mjs" */

import { bundleFiles } from "../../../tests/hosts/paths.mjs";
import * as measures from "../../in-process/measure.mjs";
import { NATIVE } from "../../in-process/onnx-runtime.mjs";
import { graphs } from "../../job.mjs";
import { tokenizerPackage } from "../../peers/tokenizer.mjs";
import { transformersFolder } from "../../peers/transformers-folder.mjs";
import { answer, progress, resident } from "../child.mjs";
import { nativeEngine } from "./engine.mjs";

await answer(async (/** @type {MeasuredJob & {measure: Measure, program: string}} */ { measure, program, ...job }) => {
  if (measure !== "turns" && job.engine === "pointsman") return alone(measure, program, job);
  // Imported here: without it the engine alone can still be measured.
  const { nativeTransformers, ort } = await import("../../peers/native.mjs");
  ort.env.logLevel = "error";
  /** @type {Parts} */
  const parts = {
    files: bundleFiles(job.bundle),
    models: graphs(job.models),
    ort,
    session: NATIVE,
    Tokenizer: (await tokenizerPackage())?.Tokenizer,
    resident,
  };
  if (measure !== "turns") return measures.measured(measure, parts, job, progress);
  const folder = transformersFolder(job);
  parts.transformers = { "transformers.js": await nativeTransformers(folder, NATIVE) };
  folder.remove();
  const engine = await nativeEngine(program, job.bundle, texts(job));
  const call = async (/** @type {number} */ number) => milliseconds((await engine.route(number)).route);
  parts.engine = { contestant: (_, number) => ({ call: () => call(number), timesItself: true }) };
  const rows = await measures.measured(measure, parts, job, progress);
  engine.close();
  return rows;
});

/**
 * The engine's own account of a cold start, or of its memory.
 * @param {"cold" | "memory"} measure
 * @param {string} program
 * @param {Job} job
 * @returns {Promise<ColdTime | MemoryAt[]>}
 */
async function alone(measure, program, job) {
  const engine = await nativeEngine(program, job.bundle, texts(job));
  const { load, before } = engine.loaded;
  const rows = [];
  for (const [number, { tokens }] of job.cases.entries()) {
    const { route, resident } = await engine.route(number);
    rows.push({ tokens, route, resident: resident && resident - before });
  }
  engine.close();
  if (measure === "memory") return rows.map(({ tokens, resident }) => ({ tokens, resident }));
  const decide = milliseconds(rows[0].route);
  return { load: milliseconds(load), decide, all: milliseconds(load) + decide };
}

/** @param {Job} job */
function texts({ cases }) {
  return cases.map(({ text }) => text);
}

/** @param {number} nanoseconds */
function milliseconds(nanoseconds) {
  return nanoseconds / 1e6;
}
