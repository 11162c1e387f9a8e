// The parity suite, used by each host: for the same queries, the native engine's decisions, with scores
// within a stated tolerance. tests/fixtures/parity.json has the native engine's answers, which a Rust
// test checks too.

/** @import { Decision, Message, Policy, RouterErrorCode } from "pointsman" */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { ROOT, readJson } from "./paths.mjs";

/**
 * @typedef {({query: string} | {messages: Message[]}) & {policy?: Policy}} Request
 * @typedef {{decision: Decision, code?: undefined} | {decision?: undefined, code: RouterErrorCode}} Answer a decision,
 *   or the code of the error
 * @typedef {Partial<Decision> & {code?: undefined} | {model?: undefined, code: RouterErrorCode}} Expected
 */

/**
 * Makes one test per case.
 * @param {string} host
 * @param {(request: Request) => Promise<Answer>} route
 */
export function parity(host, route) {
  /** @type {{tolerance: number, cases: ({name: string, expect: Expected} & Request)[]}} */
  const { tolerance, cases } = readJson(join(ROOT, "tests/fixtures/parity.json"));
  test(`${host}: the fixture has both decisions and errors`, () => {
    assert.ok(tolerance > 0 && tolerance < 0.01, `tolerance is ${tolerance}`);
    assert.ok(cases.some(({ expect }) => expect.model));
    assert.ok(cases.some(({ expect }) => expect.code));
  });
  for (const { name, expect, ...request } of cases) {
    test(`${host}: ${name}`, async () => {
      const { decision, code } = await route(request);
      if (expect.code) {
        assert.equal(code, expect.code);
        return;
      }
      assert.equal(code, undefined);
      assert.ok(decision && expect.scores);
      assert.equal(decision.model, expect.model);
      assert.equal(decision.reason, expect.reason);
      assert.equal(decision.tokens, expect.tokens);
      near(decision.winRate, expect.winRate, tolerance, "win rate");
      near(decision.threshold, expect.threshold, tolerance, "threshold");
      assert.equal(decision.scores.length, expect.scores.length);
      expect.scores.forEach(({ model, score }, i) => {
        assert.equal(decision.scores[i].model, model);
        near(decision.scores[i].score, score, tolerance, `score of ${model}`);
      });
      near(decision.estimatedCost, expect.estimatedCost, tolerance, "estimated cost");
    });
  }
}

/**
 * Asserts that both are absent, or that both are numbers that differ by at most `tolerance`.
 * @param {number | undefined} found
 * @param {number | null | undefined} expected
 * @param {number} tolerance
 * @param {string} what
 */
export function near(found, expected, tolerance, what) {
  if (expected === undefined || expected === null) {
    assert.equal(found, undefined, what);
    return;
  }
  assert.ok(typeof found === "number", what);
  const apart = Math.abs(found - expected);
  assert.ok(apart <= tolerance, `${what}: ${found}, expected ${expected}, ${apart} apart`);
}
