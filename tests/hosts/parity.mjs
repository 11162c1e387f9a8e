// The parity suite, written once and bound to each host: the same queries, the same decisions as
// the native engine, scores within a stated tolerance. tests/fixtures/parity.json holds what the
// native engine answered; a Rust test holds the native engine to it.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { ROOT, readJson } from "./paths.mjs";

/**
 * One test a case.
 * @param {string} host
 * @param {(request: object) => Promise<{decision?: object, code?: string}>} route answers
 *   `{query | messages, policy}` with the decision, or with the code of its error
 */
export function parity(host, route) {
  const { tolerance, cases } = readJson(join(ROOT, "tests/fixtures/parity.json"));
  test(`${host}: the fixture has decisions and errors`, () => {
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

/** Both absent, or both numbers no further apart than `tolerance`. */
export function near(found, expected, tolerance, what) {
  if (expected === undefined || expected === null) {
    assert.equal(found, undefined, what);
    return;
  }
  assert.equal(typeof found, "number", what);
  const apart = Math.abs(found - expected);
  assert.ok(apart <= tolerance, `${what}: ${found}, expected ${expected}, ${apart} apart`);
}
