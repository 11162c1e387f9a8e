// The decision that every host must make for one query: that of the package's sources on the default bundle.

import assert from "node:assert/strict";

import { Router } from "pointsman";

import { near } from "../hosts/parity.mjs";

export const QUERY = "Prove that every finite integral domain is a field.";
export const POLICY = { strongShare: 0.4 };

/** Tolerance, since the modules for simd128 and relaxed-simd may add floats in different orders. */
const TOLERANCE = 1e-4;

const router = await Router.load();
export const EXPECTED = router.route(QUERY, POLICY);
router.free();

/** @param {import("pointsman").Decision | undefined} decision */
export function assertExpected(decision) {
  assert.ok(decision);
  assert.equal(decision.model, EXPECTED.model);
  assert.equal(decision.reason, EXPECTED.reason);
  assert.equal(decision.tokens, EXPECTED.tokens);
  near(decision.winRate, EXPECTED.winRate, TOLERANCE, "win rate");
  near(decision.threshold, EXPECTED.threshold, TOLERANCE, "threshold");
}
