// A decision and how long it takes. A page's clock ticks in tenths of a millisecond and a small
// router answers in less, so a fast one is asked again until the clock has moved enough.

const TICK_MS = 0.5;
const ENOUGH_MS = 2;
const MOST_RUNS = 40;

/** @returns {{decision: object, milliseconds: number} | {error: Error}} */
export function timedDecision(router, input, policy) {
  try {
    const start = performance.now();
    const decision = router.route(input, policy);
    const first = performance.now() - start;
    // The browser may have been at work on something else.
    return { decision, milliseconds: Math.min(first > TICK_MS ? first : Number.POSITIVE_INFINITY, repeated(() => router.route(input, policy))) };
  } catch (error) {
    return { error };
  }
}

function repeated(call) {
  const start = performance.now();
  let runs = 0;
  while (runs < MOST_RUNS && performance.now() - start < ENOUGH_MS) {
    call();
    runs += 1;
  }
  return (performance.now() - start) / runs;
}
