// Makes a decision and measures its time. A page's clock ticks in tenths of a millisecond and a small
// router answers in less, so the call is repeated until enough time has passed; the first call, which
// other work in the browser may have delayed, is not counted.

/** @import { Decision, Policy, RouteInput, Router } from "pointsman" */
/** @import { Fault } from "./model/fault.js" */

import { faultFrom } from "./model/fault.js";

const ENOUGH_MS = 2;
const MOST_RUNS = 40;

/**
 * @typedef {{decision: Decision, milliseconds: number, error?: undefined}
 *   | {decision?: undefined, milliseconds?: undefined, error: Fault}} TimedDecision
 */

/**
 * @param {Router} router
 * @param {RouteInput} input
 * @param {Policy} policy
 * @returns {TimedDecision}
 */
export function timedDecision(router, input, policy) {
  try {
    const decision = router.route(input, policy);
    return { decision, milliseconds: repeated(() => router.route(input, policy)) };
  } catch (error) {
    return { error: faultFrom(error) };
  }
}

/** @param {() => void} call */
function repeated(call) {
  const start = performance.now();
  let runs = 0;
  while (runs < MOST_RUNS && performance.now() - start < ENOUGH_MS) {
    call();
    runs += 1;
  }
  return (performance.now() - start) / runs;
}
