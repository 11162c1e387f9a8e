// One measurement natively: the engine in a process of its own, onnxruntime-node in this one. One
// of them computes at a time.

import { bundleFiles } from "../../../tests/hosts/paths.mjs";
import * as measures from "../../in-process/measure.mjs";
import { NATIVE } from "../../in-process/onnx-runtime.mjs";
import { graphs } from "../../job.mjs";
import { tokenizerPackage } from "../../peers/tokenizer.mjs";
import { transformersFolder } from "../../peers/transformers-folder.mjs";
import { answer, progress, resident } from "../child.mjs";
import { nativeEngine } from "./engine.mjs";

await answer(async ({ measure, program, ...job }) => {
  if (measure !== "turns" && job.engine === "pointsman") return alone(measure, program, job);
  // Imported here: without it the engine alone can still be measured.
  const { nativeTransformers, ort } = await import("../../peers/native.mjs");
  ort.env.logLevel = "error";
  const parts = {
    files: bundleFiles(job.bundle),
    models: graphs(job.models),
    ort,
    session: NATIVE,
    Tokenizer: (await tokenizerPackage())?.Tokenizer,
    resident,
  };
  if (measure !== "turns") return measures[measure](parts, job);
  const folder = transformersFolder(job);
  parts.transformers = { "transformers.js": await nativeTransformers(folder, NATIVE) };
  folder.remove();
  const engine = await nativeEngine(program, job.bundle, texts(job));
  const call = async (number) => milliseconds((await engine.route(number)).route);
  parts.engine = { contestant: (_, number) => ({ call: () => call(number), timesItself: true }) };
  const rows = await measures.turns(parts, job, progress);
  engine.close();
  return rows;
});

/** The engine's own account of a cold start, or of its memory. */
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

function texts({ cases }) {
  return cases.map(({ text }) => text);
}

function milliseconds(nanoseconds) {
  return nanoseconds / 1e6;
}
