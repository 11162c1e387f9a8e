// The contestants on a query: the engine from text to decision, ONNX Runtime on the same graph from
// ids, ONNX Runtime behind a tokenizer from text, and transformers.js.

/** @import { Tokenizer } from "@huggingface/tokenizers" */
/** @import { Router } from "pointsman" */
/** @import { Case } from "../job.mjs" */
/** @import { Contestant } from "../turns.mjs" */
/** @import { OnnxRuntime, Outputs, Session, SessionOptions } from "./onnx-runtime.mjs" */

import { tokenizeWith } from "../peers/tokenizer.mjs";
import { onnxRuntime } from "./onnx-runtime.mjs";

/**
 * The peer's tokenizer, where it is installed and the bundle's files are there.
 * @param {Parts} parts
 */
export function tokenizerOf({ Tokenizer, files }) {
  return Tokenizer && typeof files !== "string" ? tokenizeWith(Tokenizer, files) : undefined;
}

/**
 * What a host measures with.
 *
 * @typedef Parts
 * @property {Record<string, Uint8Array> | string} files the bundle's; in a page also its folder's URL
 * @property {Record<string, Uint8Array>} models the graph's files for the peer
 * @property {{load: (...given: Parameters<typeof Router.load>) => Promise<Pick<Router, "route" | "embed" | "free">>}} [Router]
 *   the npm package's
 * @property {Uint8Array} [wasm] the engine's wasm in memory, where the host does not compile it
 *   beforehand
 * @property {Engine} [engine] in place of Router, an engine outside
 * @property {OnnxRuntime} [ort] ONNX Runtime's module, set up
 * @property {SessionOptions} [session] the options of its sessions
 * @property {typeof Tokenizer} [Tokenizer] the peer's, where installed
 * @property {Record<string, (text: string) => Promise<Outputs>>} [transformers] transformers.js, loaded,
 *   by the name of its row
 * @property {() => number} [resident] bytes of the process in memory, where the host tells
 */

/**
 * @typedef Engine
 * @property {(one: Case, number: number) => Omit<Contestant, "name">} contestant
 * @property {(text: string) => Float32Array} [embed]
 */

/** @typedef {Session & {file: string}} Peer ONNX Runtime on one of the graph's files */

/** Calls by which the faster of the peer's two files is chosen. */
const PROBES = 4;
/** Every round asks the same query, so the engine's cache of answers is switched off. */
export const NO_CACHE = { cache: 0 };
/**
 * Coordinates of an embedding are around 0.3. int8 moves them by less than a tenth; the embedding of
 * another text, or of another graph, is further away than this.
 */
const MOST_APART = 0.5;

/**
 * @typedef {Record<string, number> | undefined} Apart how far each peer's embedding is from the engine's, where the
 *   engine shows its own
 *
 * @param {Parts} parts
 * @returns {Promise<(one: Case, number: number) => Promise<{contestants: Contestant[], apart: Apart}>>} the contestants
 *   on a case
 */
export async function contestantsOn(parts) {
  const engine = parts.engine ?? (await engineOf(parts));
  /** @type {Peer[]} */
  const peers = [];
  for (const [file, bytes] of Object.entries(parts.models)) {
    if (!parts.ort) throw new Error("ONNX Runtime is missing among the parts");
    peers.push({ file, ...(await onnxRuntime(parts.ort, bytes, parts.session)) });
  }
  const tokenize = tokenizerOf(parts);
  return async (one, number) => {
    /** @type {Contestant[]} */
    const contestants = [{ name: "pointsman", ...engine.contestant(one, number) }];
    for (const peer of peers) {
      const inputs = peer.inputs(one.ids);
      contestants.push({ name: `ids ${peer.file}`, call: () => peer.run(inputs) });
    }
    if (tokenize) {
      const peer = await faster(peers, one.ids);
      contestants.push({
        name: `text ${peer.file}`,
        call: () => peer.run(peer.inputs(tokenize(one.text))),
      });
    }
    const others = Object.entries(parts.transformers ?? {});
    for (const [name, run] of others) contestants.push({ name, call: () => run(one.text) });
    return { contestants, apart: await apartFrom(engine, peers, others, one) };
  };
}

/** @param {Parts} parts @returns {Promise<Engine>} */
async function engineOf({ Router, files, wasm }) {
  if (!Router) throw new Error("the npm package's Router is missing among the parts");
  const router = await Router.load(files, { wasm, ...NO_CACHE });
  return {
    contestant: ({ text }) => ({ call: () => router.route(text) }),
    embed: (text) => router.embed(text),
  };
}

/** @param {Peer[]} peers @param {number[]} ids */
async function faster(peers, ids) {
  if (peers.length === 1) return peers[0];
  const shortest = [];
  for (const peer of peers) {
    const inputs = peer.inputs(ids);
    const times = [];
    for (let i = 0; i < PROBES; i += 1) {
      const start = performance.now();
      await peer.run(inputs);
      times.push(performance.now() - start);
    }
    shortest.push(Math.min(...times));
  }
  return peers[shortest.indexOf(Math.min(...shortest))];
}

/**
 * @param {Engine} engine
 * @param {Peer[]} peers
 * @param {[name: string, run: (text: string) => Promise<Outputs>][]} others
 * @param {Case} one
 * @returns {Promise<Apart>}
 */
async function apartFrom(engine, peers, others, { text, ids }) {
  if (!engine.embed) return undefined;
  const theirs = [
    ...peers.map(({ file, run, inputs }) => ({ name: file, outputs: () => run(inputs(ids)) })),
    ...others.map(([name, run]) => ({ name, outputs: () => run(text) })),
  ];
  const ours = engine.embed(text);
  /** @type {Record<string, number>} */
  const found = {};
  for (const { name, outputs } of theirs) {
    found[name] = furthest(ours, (await outputs()).embedding.data);
    if (found[name] > MOST_APART) {
      throw new Error(`${name}: the peer's embedding is ${found[name]} from ours: not the same work`);
    }
  }
  return found;
}

/** @param {Float32Array} ours @param {Float32Array} theirs */
function furthest(ours, theirs) {
  if (ours.length !== theirs.length) {
    throw new Error(`embeddings of ${ours.length} and of ${theirs.length} numbers: not one graph`);
  }
  return ours.reduce((most, value, at) => Math.max(most, Math.abs(value - theirs[at])), 0);
}
