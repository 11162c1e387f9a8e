// A decision and how long it takes. A page's clock ticks in tenths of a millisecond and a small
// router answers in less, so it is asked again until the clock has moved enough; the first call, which the
// browser may have delayed by something else, is not counted.

const ENOUGH_MS = 2;
const MOST_RUNS = 40;

/** @returns {{decision: object, milliseconds: number} | {error: Error}} */
export function timedDecision(router, input, policy) {
  try {
    const decision = router.route(input, policy);
    return { decision, milliseconds: repeated(() => router.route(input, policy)) };
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
