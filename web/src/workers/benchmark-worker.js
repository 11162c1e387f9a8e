// Runs the benchmark in a Web Worker: the engine from text to decision, and onnxruntime-web with the
// tokenizer of transformers.js on the same graph, in alternating rounds. Each ratio is of one round.

/** @import { Quartiles } from "../model/paired-times.js" */

import { Tokenizer } from "@huggingface/tokenizers";
import ortWasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import * as ort from "onnxruntime-web/wasm";
import { Router } from "pointsman";

import { textOfTokens } from "../model/benchmark-text.js";
import { faultFrom } from "../model/fault.js";
import { median, ratioOf, settledCount } from "../model/paired-times.js";

const LENGTHS = [8, 32, 128];
/** Measuring time of each program at each length, and the number of rounds. */
const ENOUGH_MS = 1200;
const ROUNDS = { least: 8, most: 60 };
/** A call shorter than the clock's tick is repeated within its round. */
const SAMPLE_MS = 2;

/**
 * @typedef {Record<string, Uint8Array>} Files a bundle's, by name
 * @typedef {{step: "load"} | {step: "measure", tokens: number, part: number}} Progress
 * @typedef {{ours: number, theirs: number}} Times median milliseconds
 * @typedef {Times & {ratio: Quartiles, rounds: number}} Turns
 * @typedef {{rows: (Turns & {tokens: number})[], apart: number, load: Times, versions: string}} Result `apart` is
 *   the largest difference of the two embeddings
 * @typedef {{progress: Progress, result?: undefined, fault?: undefined}
 *   | {progress?: undefined, result: Result, fault?: undefined}
 *   | {progress?: undefined, result?: undefined, fault: {message: string, code?: string}}} Answer
 */

/** @param {Answer} answer */
const tell = (answer) => postMessage(answer);

addEventListener("message", async (/** @type {MessageEvent<{files: Files}>} */ { data: { files } }) => {
  try {
    tell({ result: await measured(files) });
  } catch (error) {
    const { message, code } = faultFrom(error);
    tell({ fault: { message, code } });
  }
});

/** @param {Files} files */
async function measured(files) {
  // Both load their modules first, so that only reading a bundle is compared, without the download.
  const probe = await Router.load(files, { cache: 0 });
  probe.free();
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  ort.env.wasm.wasmBinary = await (await fetch(ortWasm)).arrayBuffer();
  (await session(files)).release();

  const started = performance.now();
  const router = await Router.load(files, { cache: 0 });
  const loadedOurs = performance.now();
  const peer = await peerOn(files);
  const loadedTheirs = performance.now();

  const rows = [];
  let apart = 0;
  for (const [i, length] of LENGTHS.entries()) {
    const { text, tokens } = textOfTokens(length, (text) => router.route(text).tokens);
    apart = Math.max(apart, furthest(router.embed(text), await peer.embedding(text)));
    rows.push({
      tokens,
      ...(await turns(
        () => router.route(text),
        () => peer.run(text),
        (part) => {
          tell({ progress: { step: "measure", tokens, part: (i + part) / LENGTHS.length } });
        },
      )),
    });
  }
  router.free();
  await peer.release();
  return {
    rows,
    apart,
    load: { ours: loadedOurs - started, theirs: loadedTheirs - loadedOurs },
    versions: `onnxruntime-web ${ort.env.versions.web}, ${navigator.hardwareConcurrency} threads, ${navigator.userAgent}`,
  };
}

/** @param {Files} files */
const session = (files) => ort.InferenceSession.create(files["model.onnx"], { executionProviders: ["wasm"] });

/** @param {Files} files */
async function peerOn(files) {
  const json = (/** @type {string} */ name) => JSON.parse(new TextDecoder().decode(files[name]));
  const special = json("router.json").encoder.special_tokens;
  const stated = json("tokenizer.json");
  // Hashed n-grams and pairs of pieces are tokenizers of this project.
  if (stated.type !== undefined) {
    throw new Error(
      `the other engine has no tokenizer of type ${stated.type}, which this bundle has: open another bundle of the page`,
    );
  }
  const tokenizer = new Tokenizer(stated, {});
  const running = await session(files);
  const run = (/** @type {string} */ text) => {
    const { ids } = tokenizer.encode(text, { add_special_tokens: special });
    const shape = [1, ids.length];
    return running.run({
      input_ids: new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), shape),
      attention_mask: new ort.Tensor("int64", new BigInt64Array(ids.length).fill(1n), shape),
    });
  };
  return {
    run,
    embedding: async (/** @type {string} */ text) => {
      const { data } = (await run(text)).embedding;
      if (!(data instanceof Float32Array)) throw new Error("the embedding of ONNX Runtime is not in float32");
      return data;
    },
    release: () => running.release(),
  };
}

/**
 * Times both in alternating rounds, after a warm-up.
 * @param {() => unknown} ours
 * @param {() => Promise<unknown>} theirs
 * @param {(part: number) => void} onPart the share of the measuring time that has passed
 * @returns {Promise<Turns>}
 */
async function turns(ours, theirs, onPart) {
  for (let i = 0; i < 3; i += 1) {
    ours();
    await theirs();
  }
  const calls = { ours: await settledCount(ours, SAMPLE_MS), theirs: await settledCount(theirs, SAMPLE_MS) };
  /** @type {{ours: number[], theirs: number[]}} */
  const times = { ours: [], theirs: [] };
  const begin = performance.now();
  while (
    times.ours.length < ROUNDS.most &&
    (times.ours.length < ROUNDS.least || performance.now() - begin < 2 * ENOUGH_MS)
  ) {
    const a = performance.now();
    for (let i = 0; i < calls.ours; i += 1) ours();
    const b = performance.now();
    for (let i = 0; i < calls.theirs; i += 1) await theirs();
    const c = performance.now();
    times.ours.push((b - a) / calls.ours);
    times.theirs.push((c - b) / calls.theirs);
    onPart(Math.min(1, (performance.now() - begin) / (2 * ENOUGH_MS)));
  }
  return {
    ours: median(times.ours),
    theirs: median(times.theirs),
    ratio: ratioOf(times.theirs, times.ours),
    rounds: times.ours.length,
  };
}

/** @param {Float32Array} ours @param {Float32Array} theirs */
function furthest(ours, theirs) {
  if (ours.length !== theirs.length)
    throw new Error(`embeddings of ${ours.length} and of ${theirs.length} numbers: expected those of the same graph`);
  return ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0);
}
