// In an empty page: from nothing to the first decision, or with transformers.js to the first embedding.
// No package is imported before the clock starts.

/** @import { ColdTime } from "../in-process/measure.mjs" */
/** @import { Place } from "../peers/transformers.mjs" */
/** @import { Engine } from "./engines.mjs" */

import { ENGINES, OURS } from "/bench/page/engines.mjs";
import { webTransformers } from "/bench/peers/web.mjs";

/**
 * @param {Engine} engine
 * @param {Place} place
 * @param {string} text
 * @returns {Promise<ColdTime>}
 */
export async function firstDecision(engine, place, text) {
  const start = performance.now();
  const decide = await (engine === OURS ? router() : transformersOn(ENGINES[engine], place));
  const ready = performance.now();
  const found = await decide(text);
  const end = performance.now();
  if (!(found?.length > 0)) throw new Error(`${engine}: neither a candidate nor an embedding was found`);
  return { load: ready - start, decide: end - ready, all: end - start };
}

/**
 * As the package's documentation has it for a page without a bundler.
 * @returns {Promise<Decide>}
 */
async function router() {
  const { Router } = await import("/package/src/entry/browser/index.js");
  const loaded = await Router.load("/bundle/");
  return (text) => loaded.route(text).model;
}

/** @typedef {(text: string) => string | Promise<Float32Array>} Decide gives a candidate or an embedding */

/** @param {{runtime?: string}} engine @param {Place} place @returns {Promise<Decide>} */
async function transformersOn({ runtime }, place) {
  const run = await webTransformers(place, runtime);
  return async (text) => (await run(text)).embedding.data;
}
