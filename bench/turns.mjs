// Contestants measured in turns, so that a busy machine hits each of them alike. No import: it
// runs in Node, in a page and in a Worker.

/** Warm-up ends after both the least calls and the least milliseconds, at the latest after the most. */
const WARM = { calls: 4, milliseconds: 400, atMost: 4000 };
/** The least number of rounds, however long they take. */
const LEAST_ROUNDS = 10;

/**
 * @typedef Contestant
 * @property {string} name
 * @property {() => unknown} call one query; a promise is awaited
 * @property {boolean} [timesItself] whether a call's result is its own time in milliseconds
 */

/**
 * @typedef Limits
 * @property {number} rounds
 * @property {number} seconds after these no further round begins, but for the least
 * @property {number} sample milliseconds that a sample must last, where the clock is coarse:
 *   so many calls are timed together, and their mean is the sample
 */

/** @typedef {{name: string, calls: number, times: number[]}} Result milliseconds a query, one a round; calls a sample */

/**
 * @param {Contestant[]} contestants
 * @param {Limits} limits
 * @returns {Promise<Result[]>}
 */
export async function takeTurns(contestants, { rounds, seconds, sample }) {
  /** @type {Result[]} */
  const results = [];
  for (const contestant of contestants) {
    await warmUp(contestant);
    results.push({ name: contestant.name, calls: await callsIn(sample, contestant), times: [] });
  }
  const end = performance.now() + seconds * 1000;
  for (let round = 0; round < rounds; round += 1) {
    if (round >= LEAST_ROUNDS && performance.now() > end) break;
    for (let turn = 0; turn < contestants.length; turn += 1) {
      // Another contestant comes first each round, so that none always follows the same neighbour.
      const at = (round + turn) % contestants.length;
      results[at].times.push(await timed(contestants[at], results[at].calls));
    }
  }
  return results;
}

/**
 * Calls until compilers and caches have settled.
 * @param {Contestant} contestant
 */
async function warmUp({ call }) {
  const start = performance.now();
  for (let calls = 0; ; calls += 1) {
    const spent = performance.now() - start;
    if (calls >= WARM.calls && spent >= WARM.milliseconds) return;
    if (calls > 0 && spent >= WARM.atMost) return;
    await call();
  }
}

/**
 * How many calls last at least `sample` milliseconds: a power of two.
 * @param {number} sample
 * @param {Contestant} contestant
 */
async function callsIn(sample, contestant) {
  if (contestant.timesItself || sample === 0) return 1;
  let calls = 1;
  while ((await timed(contestant, calls)) * calls < sample) calls *= 2;
  return calls;
}

/** @param {Contestant} contestant @param {number} calls */
async function timed({ call, timesItself }, calls) {
  if (timesItself) return Number(await call());
  const start = performance.now();
  for (let i = 0; i < calls; i += 1) {
    const result = call();
    if (result instanceof Promise) await result;
  }
  return (performance.now() - start) / calls;
}
