// Runs the benchmark in a Web Worker: the engine from text to decision, and onnxruntime-web with the
// tokenizer of transformers.js on the same graph, in alternating rounds. Each ratio is of one round.

import { Tokenizer } from "@huggingface/tokenizers";
import ortWasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import * as ort from "onnxruntime-web/wasm";
import { Router } from "pointsman";

import { textOfTokens } from "../model/benchmark-text.js";
import { median, ratioOf, settledCount } from "../model/paired-times.js";

const LENGTHS = [8, 32, 128];
/** Measuring time of each program at each length, and the number of rounds. */
const ENOUGH_MS = 1200;
const ROUNDS = { least: 8, most: 60 };
/** A call shorter than the clock's tick is repeated within its round. */
const SAMPLE_MS = 2;

addEventListener("message", async ({ data: { files } }) => {
  try {
    postMessage({ result: await measured(files) });
  } catch (error) {
    postMessage({ fault: { message: error.message, code: error.code } });
  }
});

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
          postMessage({ progress: { step: "measure", tokens, part: (i + part) / LENGTHS.length } });
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

const session = (files) => ort.InferenceSession.create(files["model.onnx"], { executionProviders: ["wasm"] });

async function peerOn(files) {
  const json = (name) => JSON.parse(new TextDecoder().decode(files[name]));
  const special = json("router.json").encoder.special_tokens;
  const tokenizer = new Tokenizer(json("tokenizer.json"), {});
  const running = await session(files);
  const run = (text) => {
    const { ids } = tokenizer.encode(text, { add_special_tokens: special });
    const shape = [1, ids.length];
    return running.run({
      input_ids: new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), shape),
      attention_mask: new ort.Tensor("int64", new BigInt64Array(ids.length).fill(1n), shape),
    });
  };
  return { run, embedding: async (text) => (await run(text)).embedding.data, release: () => running.release() };
}

/** Times both in alternating rounds, after a warm-up. */
async function turns(ours, theirs, onPart) {
  for (let i = 0; i < 3; i += 1) {
    ours();
    await theirs();
  }
  const calls = { ours: await settledCount(ours, SAMPLE_MS), theirs: await settledCount(theirs, SAMPLE_MS) };
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

function furthest(ours, theirs) {
  if (ours.length !== theirs.length)
    throw new Error(`embeddings of ${ours.length} and of ${theirs.length} numbers: expected those of the same graph`);
  return ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0);
}
