// The parity suite on the npm package in Node, with one of the engine's two wasm modules. The first load
// in a process starts the engine; later loads share it.

import assert from "node:assert/strict";

import { Router, RouterError } from "pointsman";

import { kinds } from "./kinds.mjs";
import { parity } from "./parity.mjs";
import { TINY } from "./paths.mjs";

/**
 * @param {string} host its name in the tests
 * @param {import("pointsman").LoadOptions} [options] options of the first load
 */
export async function inNode(host, options) {
  const router = await Router.load(TINY, options);

  parity(host, async ({ policy, ...input }) => {
    try {
      return { decision: router.route(input, policy) };
    } catch (error) {
      assert.ok(error instanceof RouterError);
      return { code: error.code };
    }
  });

  kinds(host, async (folder, queries) => {
    const router = await Router.load(folder);
    const decisions = queries.map((query) => router.route(query));
    router.free();
    return decisions;
  });
}
