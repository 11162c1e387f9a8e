// The three measurements, as they run inside a host. Each needs a fresh process, page or isolate.

import { tokenizeWith } from "../peers/tokenizer.mjs";
import { takeTurns } from "../turns.mjs";
import { contestantsOn, NO_CACHE } from "./contestants.mjs";
import { onnxRuntime } from "./onnx-runtime.mjs";
import { wasmBytes } from "./wasm-memories.mjs";

/**
 * What a host measures with.
 *
 * @typedef Parts
 * @property {Record<string, Uint8Array>} files the bundle's
 * @property {Record<string, Uint8Array>} models the graph's files for the peer
 * @property {object} [Router] the npm package's
 * @property {Uint8Array} [wasm] the engine's wasm in memory, where the host does not compile it
 *   beforehand
 * @property {object} [engine] in place of Router, an engine outside: `{contestant(one, number)}`
 * @property {object} ort ONNX Runtime's module, set up
 * @property {object} session the options of its sessions
 * @property {new (json: object, config: object) => object} [Tokenizer] the peer's, where installed
 * @property {Record<string, (text: string) => Promise<object>>} [transformers] transformers.js, loaded,
 *   by the name of its row
 * @property {() => number} [resident] bytes of the process in memory, where the host tells
 */

/** Calls of each length after which memory no longer grows. */
const SETTLED = 3;

/** Times in turns, a row a case. */
export async function turns(parts, { cases, limits }, progress) {
  const contestants = await contestantsOn(parts);
  const rows = [];
  for (const [number, one] of cases.entries()) {
    progress(one.tokens);
    rows.push(await row(contestants, one, number, limits));
  }
  return rows;
}

/** The row of one case. */
export async function row(contestants, one, number, limits) {
  const { contestants: those, apart } = await contestants(one, number);
  return { tokens: one.tokens, apart, results: await takeTurns(those, limits) };
}

/** From bytes in memory to the first decision: milliseconds of loading and of deciding. */
export async function cold(parts, { engine, cases }) {
  const [one] = cases;
  const start = performance.now();
  const decide = await loaded(engine, parts, parts.wasm);
  const ready = performance.now();
  await decide(one);
  const end = performance.now();
  return { load: ready - start, decide: end - ready, all: end - start };
}

/** Bytes of wasm memory, and bytes by which the process has grown since before loading, after each length. */
export async function memory(parts, { engine, cases }) {
  const before = parts.resident?.();
  const decide = await loaded(engine, parts, parts.wasm);
  const rows = [];
  for (const one of cases) {
    for (let i = 0; i < SETTLED; i += 1) await decide(one);
    const resident = parts.resident && parts.resident() - before;
    rows.push({ tokens: one.tokens, wasm: wasmBytes(), resident });
  }
  return rows;
}

/** One engine alone, from text where it can. */
async function loaded(engine, { Router, files, models, ort, session, Tokenizer }, wasm) {
  if (engine === "pointsman") {
    const router = await Router.load(files, { wasm, ...NO_CACHE });
    return ({ text }) => router.route(text);
  }
  // The file made for the peer comes last where there is one.
  const peer = await onnxRuntime(ort, Object.values(models).at(-1), session);
  const tokenize = Tokenizer && tokenizeWith(Tokenizer, files);
  return ({ text, ids }) => peer.run(peer.inputs(tokenize?.(text) ?? ids));
}
