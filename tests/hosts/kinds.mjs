// Compares every router kind on every encoder tier, in each host, with tests/fixtures/kinds.json: the
// native engine's answers to a few queries, which a Rust test checks too.

/** @import { Decision } from "pointsman" */

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { near } from "./parity.mjs";
import { ROOT, readJson } from "./paths.mjs";

const KINDS = join(ROOT, "tests/fixtures/kinds");

/**
 * Makes one test per bundle.
 * @param {string} host
 * @param {(folder: string, queries: string[]) => Promise<Decision[]>} routeAll loads the bundle in
 *   `folder` and answers each query with its decision
 */
export function kinds(host, routeAll) {
  /** @type {{tolerance: number, bundles: Record<string, {query: string, winRate: number, scores: number[]}[]>}} */
  const { tolerance, bundles } = readJson(join(ROOT, "tests/fixtures/kinds.json"));
  test(`${host}: the fixture has every kind on every tier`, () => {
    assert.deepEqual(Object.keys(bundles).sort(), readdirSync(KINDS).sort());
    assert.ok(Object.keys(bundles).includes("difficulty-transformer"), Object.keys(bundles).join());
  });
  for (const [name, cases] of Object.entries(bundles)) {
    test(`${host}: ${name}`, async () => {
      const decisions = await routeAll(
        join(KINDS, name),
        cases.map(({ query }) => query),
      );
      cases.forEach(({ query, winRate, scores }, i) => {
        near(decisions[i].winRate, winRate, tolerance, `win rate of ${JSON.stringify(query)}`);
        scores.forEach((score, candidate) => {
          near(decisions[i].scores[candidate].score, score, tolerance, `score ${candidate}`);
        });
      });
    });
  }
}
