// Blocking time and layout shift from what a page recorded, as Lighthouse defines them.

/** Milliseconds of a task that do not block; what it lasts beyond them does. */
const UNNOTICED = 50;
/** Milliseconds between two shifts of one session at most, and milliseconds of a session at most. */
const SESSION = { apart: 1000, longest: 5000 };

/**
 * Total blocking time: the milliseconds beyond 50 of every task, of each task the part between two
 * times.
 * @param {{at: number, lasts: number}[]} tasks
 * @param {number} from
 * @param {number} to
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
  let session = { first: Number.NEGATIVE_INFINITY, last: Number.NEGATIVE_INFINITY, sum: 0 };
  for (const { at, value } of shifts) {
    const goesOn = at - session.last < SESSION.apart && at - session.first < SESSION.longest;
    session = goesOn ? { ...session, last: at, sum: session.sum + value } : { first: at, last: at, sum: value };
    worst = Math.max(worst, session.sum);
  }
  return worst;
}
