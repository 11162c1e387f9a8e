// A gateway with one key that has a budget, for the tests of budgets.

/** @import { Period } from "../../worker/js/ledger-state.mjs" */
/** @import { Upstream } from "./stand-ins.mjs" */

import assert from "node:assert/strict";

import { alone, everyCandidateAt, HURRIED, ledgerOf, WITH_CLOCK } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { openai } from "./openai-stand-in.mjs";
import { until } from "./stand-ins.mjs";

/**
 * A Worker with one key that has this budget, its ledger's state, and a clock.
 * @param {import("node:test").TestContext} t
 * @param {Upstream} there every candidate's upstream, which answers as OpenAI does
 * @param {{usd: number, period: Period}} budget
 * @param {import("./gateway.mjs").Options & {gateway?: object}} options
 */
export async function underBudget(
  t,
  there,
  budget,
  { upstreams = everyCandidateAt(there), gateway = {}, ...options } = {},
) {
  there.does(openai());
  const who = key("spender", { budget });
  const settings = { ...HURRIED, ...gateway };
  const worker = await alone(t, {
    upstreams,
    keys: [who.entry, key("other").entry],
    ledger: true,
    gateway: settings,
    main: WITH_CLOCK,
    ...options,
  });
  let ahead = 0;
  return {
    worker,
    /** @param {object} [fields] @param {Record<string, string>} [headers] */
    chat: (fields, headers) => worker.chat(fields, { ...bearer(who), ...headers }),
    /** @param {string} path @param {object} body */
    post: (path, body) => worker.post(path, body, bearer(who)),
    pass: async (/** @type {number} */ ms) => {
      ahead += ms;
      await worker.send("POST", `advance?ms=${ms}`, "");
    },
    /** The ledger's state once nothing is reserved. */
    settled: () =>
      until(async () => {
        const ledger = await ledgerOf(worker, "budget:spender");
        const found = await ledger.spent({ limit: budget.usd, period: budget.period, now: Date.now() + ahead });
        return found.reserved === 0 && found;
      }, "settling"),
  };
}

export const near = (/** @type {number} */ found, /** @type {number} */ expected, within = 1e-9) =>
  assert.ok(Math.abs(found - expected) <= within, `${found}, expected ${expected}`);
