// The parity suite on the npm package in Node.

import { Router } from "switchyard-router";

import { kinds } from "./kinds.mjs";
import { parity } from "./parity.mjs";
import { TINY } from "./paths.mjs";

const router = await Router.load(TINY);

parity("Node", async ({ policy, ...input }) => {
  try {
    return { decision: router.route(input, policy) };
  } catch (error) {
    return { code: error.code };
  }
});

kinds("Node", async (folder, queries) => {
  const router = await Router.load(folder);
  const decisions = queries.map((query) => router.route(query));
  router.free();
  return decisions;
});
