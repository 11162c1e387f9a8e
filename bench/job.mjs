// What is measured on one bundle: its files, and queries of the lengths asked for with the ids that
// the peer is given. Every host gets the same.

/** @import { Limits } from "./turns.mjs" */
/** @import { Shape } from "./work.mjs" */

import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

import { Router } from "pointsman";

import { bundleFiles, readJson } from "../tests/hosts/paths.mjs";
import { tokenizerPackage, tokenizeWith } from "./peers/tokenizer.mjs";
import { cutter } from "./texts.mjs";

const TEXT = new URL("text.txt", import.meta.url);
/** The graph in the form that ONNX Runtime runs fastest, where that is not the bundle's own file. */
const FOR_PEER = "onnx-runtime.onnx";
/** [CLS] and [SEP]. */
const SPECIAL = 2;

/**
 * A bundle to measure.
 *
 * @typedef Entry
 * @property {string} name
 * @property {string} about
 * @property {string} [precision]
 * @property {Shape} [shape] of its encoder, where it is known
 * @property {string} bundle its folder
 * @property {Record<string, string>} models paths of the graph's files by name
 */

/**
 * @typedef {{tokens: number, text: string, ids: number[]}} Case a query with the ids that the peer is given
 * @typedef {Entry & {cases: Case[]}} Job
 * @typedef {Job & {limits: Limits, engine: "pointsman" | "peer"}} MeasuredJob turns have `limits`, the other
 *   measurements have `engine`
 */

/**
 * What `bench-bundles` wrote into a folder, in the order in which it is measured.
 * @param {string} made
 * @returns {Entry[]}
 */
export function listed(made) {
  /** @type {Omit<Entry, "bundle" | "models">[]} */
  const entries = readJson(join(made, "index.json"));
  return entries.map((entry) => ({
    ...entry,
    bundle: join(made, entry.name, "bundle"),
    models: models(join(made, entry.name, "bundle"), join(made, entry.name, FOR_PEER)),
  }));
}

/**
 * A bundle's folder given on the command line: the shape of its encoder is not known.
 * @param {string} folder
 * @returns {Entry}
 */
export function given(folder) {
  return { name: basename(folder), about: "a folder given", bundle: folder, models: models(folder) };
}

/**
 * @param {Entry} entry
 * @param {number[]} lengths tokens
 * @returns {Promise<Job>}
 */
export async function jobOn(entry, lengths) {
  const files = bundleFiles(entry.bundle);
  const router = await Router.load(files);
  // A decision states the query's own tokens; the graph is given the special ones too.
  const around = router.info().encoder.special_tokens ? SPECIAL : 0;
  const cut = cutter(readFileSync(TEXT, "utf8"), (text) => router.route(text).tokens + around);
  const Tokenizer = (await tokenizerPackage())?.Tokenizer;
  const tokenize = Tokenizer && tokenizeWith(Tokenizer, files);
  const cases = lengths.map((tokens) => {
    const text = cut(tokens);
    const ids = tokenize?.(text) ?? Array.from({ length: tokens }, (_, at) => 1 + at);
    if (ids.length !== tokens) {
      throw new Error(
        `${entry.name}: the peer's tokenizer finds ${ids.length} tokens where the engine finds ${tokens}`,
      );
    }
    return { tokens, text, ids };
  });
  router.free();
  return { ...entry, cases };
}

/**
 * Paths of the graph's files by name; a second one only where its bytes differ.
 * @param {string} bundle
 * @param {string} [forPeer]
 * @returns {Record<string, string>}
 */
function models(bundle, forPeer) {
  const own = join(bundle, "model.onnx");
  if (!forPeer || !existsSync(forPeer)) return { "model.onnx": own };
  const differs = !readFileSync(forPeer).equals(readFileSync(own));
  return { "model.onnx": own, ...(differs ? { [FOR_PEER]: forPeer } : {}) };
}

/**
 * The bytes of a job's models, by name.
 * @param {Record<string, string>} paths
 */
export function graphs(paths) {
  return Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, new Uint8Array(readFileSync(path))]));
}
