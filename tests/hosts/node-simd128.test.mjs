// The parity suite in Node on the module without relaxed-simd, which no host here would choose: Node
// and Chromium have relaxed-simd.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Router } from "switchyard-router";

import { kinds } from "./kinds.mjs";
import { parity } from "./parity.mjs";
import { TINY } from "./paths.mjs";

// The first load starts the engine; the others share it.
const wasm = readFileSync(fileURLToPath(import.meta.resolve("switchyard-router/wasm")));
const router = await Router.load(TINY, { wasm });

parity("Node, simd128", async ({ policy, ...input }) => {
  try {
    return { decision: router.route(input, policy) };
  } catch (error) {
    return { code: error.code };
  }
});

kinds("Node, simd128", async (folder, queries) => {
  const router = await Router.load(folder);
  const decisions = queries.map((query) => router.route(query));
  router.free();
  return decisions;
});
