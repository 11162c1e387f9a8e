// What a page's own notes come to, by the definitions that Lighthouse has.

/** A task blocks by what it lasts longer than this. */
const UNNOTICED = 50;
/** Shifts belong together that are no further apart, in a session that is no longer. */
const SESSION = { apart: 1000, longest: 5000 };

/**
 * Total blocking time: milliseconds by which tasks last longer than 50, of each what lies between
 * two times.
 * @param {{at: number, lasts: number}[]} tasks
 */
export function blockingTime(tasks, from, to) {
  const inside = tasks.map(({ at, lasts }) => Math.min(at + lasts, to) - Math.max(at, from));
  return inside.reduce((sum, lasts) => sum + Math.max(0, lasts - UNNOTICED), 0);
}

/**
 * Cumulative layout shift: the worst session's sum.
 * @param {{at: number, value: number}[]} shifts in their order
 */
export function layoutShift(shifts) {
  let worst = 0;
  let session;
  for (const { at, value } of shifts) {
    const goesOn = session && at - session.last < SESSION.apart && at - session.first < SESSION.longest;
    session = goesOn ? { ...session, last: at, sum: session.sum + value } : { first: at, last: at, sum: value };
    worst = Math.max(worst, session.sum);
  }
  return worst;
}
