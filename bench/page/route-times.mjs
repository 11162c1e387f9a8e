// In a page: the npm package and transformers.js on the same queries, in turns.

import { turns } from "/bench/in-process/measure.mjs";
import { ENGINES, PEERS } from "/bench/page/engines.mjs";
import { webTransformers } from "/bench/peers/web.mjs";
import { Router } from "/package/browser.js";

export async function routeTimes(job, place) {
  const transformers = {};
  for (const name of PEERS) transformers[name] = await webTransformers(place, ENGINES[name].runtime);
  return turns({ files: "/bundle/", models: {}, Router, transformers }, job, () => {});
}
