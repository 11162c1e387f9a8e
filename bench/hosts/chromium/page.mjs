// One measurement in a page, on the npm package and onnxruntime-web.

/** @import { MeasuredJob } from "../../job.mjs" */
/** @import { Parts } from "../../in-process/contestants.mjs" */
/** @import { Measure } from "../../in-process/measure.mjs" */
/** @import { Place } from "../../peers/transformers.mjs" */

// First: it must see every wasm memory made.
import "/bench/in-process/wasm-memories.mjs";

import * as measures from "/bench/in-process/measure.mjs";
import { WEB } from "/bench/in-process/onnx-runtime.mjs";
import { webTransformers } from "/bench/peers/web.mjs";
import * as ort from "/onnx-runtime/ort.wasm.bundle.min.mjs";
import { Router } from "/package/src/entry/browser/index.js";

const TOKENIZERS = "/tokenizers/tokenizers.mjs";
const TRANSFORMERS = "/transformers/transformers.min.js";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

/**
 * @param {Measure} measure
 * @param {Omit<MeasuredJob, "models"> & {files: string[], models: string[], wasm: string, transformers: Place}} job
 * @returns {Promise<any>} what the measurement gives
 */
export async function answer(measure, { files, models, wasm, transformers: place, ...job }) {
  ort.env.wasm.wasmBinary = await bytes("/onnx-runtime/ort-wasm-simd-threaded.wasm");
  /** @type {Parts} */
  const parts = {
    files: await named(files, (name) => `/bundle/${name}`),
    models: await named(models, (name) => `/models/${name}/${name}`),
    Router,
    wasm: await bytes(`/package/pkg/${wasm}`),
    ort,
    session: WEB,
    Tokenizer: await tokenizerClass(),
  };
  if (measure === "turns" && (await isThere(TRANSFORMERS)))
    parts.transformers = { "transformers.js": await webTransformers(place) };
  return measures.measured(measure, parts, job, (tokens) => console.log(`progress ${tokens}`));
}

async function tokenizerClass() {
  return (await isThere(TOKENIZERS)) ? (await import(TOKENIZERS)).Tokenizer : undefined;
}

/**
 * The peers may not be installed.
 * @param {string} address
 */
async function isThere(address) {
  return (await fetch(address, { method: "HEAD" })).ok;
}

/** @param {string[]} names @param {(name: string) => string} address */
async function named(names, address) {
  const entries = names.map(async (name) => /** @type {[string, Uint8Array]} */ ([name, await bytes(address(name))]));
  return Object.fromEntries(await Promise.all(entries));
}

/** @param {string} address */
async function bytes(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
