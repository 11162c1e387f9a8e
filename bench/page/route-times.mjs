// In a page: the npm package and transformers.js on the same queries, in turns.

/** @import { Parts } from "../in-process/contestants.mjs" */
/** @import { Case } from "../job.mjs" */
/** @import { Place } from "../peers/transformers.mjs" */
/** @import { Limits } from "../turns.mjs" */

import { turns } from "/bench/in-process/measure.mjs";
import { ENGINES, PEERS } from "/bench/page/engines.mjs";
import { webTransformers } from "/bench/peers/web.mjs";
import { Router } from "/package/src/entry/browser/index.js";

/** @param {{cases: Case[], limits: Limits}} job @param {Place} place */
export async function routeTimes(job, place) {
  /** @type {NonNullable<Parts["transformers"]>} */
  const transformers = {};
  for (const name of PEERS) transformers[name] = await webTransformers(place, ENGINES[name].runtime);
  return turns({ files: "/bundle/", models: {}, Router, transformers }, job, () => {});
}
