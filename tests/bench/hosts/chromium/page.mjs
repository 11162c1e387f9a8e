// One measurement in a page, on the npm package and onnxruntime-web.

// First: it must see every wasm memory made.
import "/bench/in-process/wasm-memories.mjs";

import * as measures from "/bench/in-process/measure.mjs";
import { WEB } from "/bench/in-process/onnx-runtime.mjs";
import { transformers } from "/bench/peers/transformers.mjs";
import * as ort from "/onnx-runtime/ort.wasm.bundle.min.mjs";
import { Router } from "/package/browser.js";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

export async function answer(measure, { files, models, wasm, transformers: place, ...job }) {
  ort.env.wasm.wasmBinary = await bytes("/onnx-runtime/ort-wasm-simd-threaded.wasm");
  const parts = {
    files: await named(files, (name) => `/bundle/${name}`),
    models: await named(models, (name) => `/models/${name}/${name}`),
    Router,
    wasm: await bytes(`/package/pkg/${wasm}`),
    ort,
    session: WEB,
    Tokenizer: await tokenizerClass(),
  };
  if (measure === "turns") parts.transformers = await transformersOn(place);
  return measures[measure](parts, job, (tokens) => console.log(`progress ${tokens}`));
}

async function tokenizerClass() {
  return (await importedIfThere("/tokenizers/tokenizers.mjs"))?.Tokenizer;
}

/** transformers.js, on the CPU with one thread. */
async function transformersOn(place) {
  const module = await importedIfThere("/transformers/transformers.min.js");
  if (!module) return undefined;
  const { wasm } = module.env.backends.onnx;
  wasm.numThreads = 1;
  wasm.wasmPaths = "/transformers-onnx-runtime/";
  return transformers(module, place, { device: "wasm" });
}

async function importedIfThere(address) {
  const { ok } = await fetch(address, { method: "HEAD" });
  return ok ? import(address) : undefined;
}

async function named(names, address) {
  const entries = names.map(async (name) => [name, await bytes(address(name))]);
  return Object.fromEntries(await Promise.all(entries));
}

async function bytes(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
