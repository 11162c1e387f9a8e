// Starts workerd with the Durable Object `Ledger` alone, for the tests of the ledger.

import { join } from "node:path";

import { Miniflare } from "miniflare";

import { ROOT } from "../hosts/paths.mjs";

const MODULES = [
  "tests/worker/ledger-worker.mjs",
  ...["ledger.mjs", "ledger-state.mjs", "rollout-state.mjs", "drift-state.mjs"].map((name) => `worker/js/${name}`),
];

/** @typedef {[method: string, ...given: unknown[]]} Call of the ledger */

/**
 * @param {{persist?: string}} options a folder that keeps the objects between starts
 */
export function startLedger({ persist } = {}) {
  const miniflare = new Miniflare({
    rootPath: ROOT,
    modulesRoot: ROOT,
    modules: MODULES.map((path) => ({ type: "ESModule", path: join(ROOT, path) })),
    compatibilityDate: "2026-06-01",
    durableObjects: { LEDGER: { className: "TestedLedger", useSQLite: true } },
    ...(persist ? { durableObjectsPersist: persist } : {}),
    // A crash of an object is logged.
    handleRuntimeStdio: () => {},
  });
  return {
    /**
     * Makes all calls of one object at once.
     * @param {string} object
     * @param {Call[]} calls
     * @returns {Promise<any[]>} `{value}` or `{error}` for each
     */
    async calls(object, ...calls) {
      const body = JSON.stringify({ object, calls });
      const response = await miniflare.dispatchFetch("http://ledger/", { method: "POST", body });
      return /** @type {Promise<any[]>} */ (response.json());
    },
    close: () => miniflare.dispose(),
  };
}
