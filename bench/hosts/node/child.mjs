// One measurement in Node, on the npm package and onnxruntime-web.

/** @import { Measure } from "../../in-process/measure.mjs" */
/** @import { MeasuredJob } from "../../job.mjs" */

// First: it must see every wasm memory made.
import "../../in-process/wasm-memories.mjs";

import { readFileSync } from "node:fs";
import { join } from "node:path";

import * as ort from "onnxruntime-web";
import { Router } from "pointsman";

import { bundleFiles, ROOT } from "../../../tests/hosts/paths.mjs";
import * as measures from "../../in-process/measure.mjs";
import { WEB } from "../../in-process/onnx-runtime.mjs";
import { graphs } from "../../job.mjs";
import { tokenizerPackage } from "../../peers/tokenizer.mjs";
import { PEER_WASM } from "../../wasm-files.mjs";
import { answer, progress, resident } from "../child.mjs";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";
ort.env.wasm.wasmBinary = new Uint8Array(readFileSync(join(ROOT, PEER_WASM)));

await answer(async (/** @type {MeasuredJob & {measure: Measure, wasm: string}} */ { measure, wasm, ...job }) => {
  const parts = {
    files: bundleFiles(job.bundle),
    models: graphs(job.models),
    Router,
    wasm: new Uint8Array(readFileSync(join(ROOT, wasm))),
    ort,
    session: WEB,
    Tokenizer: (await tokenizerPackage())?.Tokenizer,
    resident,
  };
  return measures.measured(measure, parts, job, progress);
});
