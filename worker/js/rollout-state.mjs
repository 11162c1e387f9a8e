// Watches a rollout: whether what its candidate does has become worse than the bounds allow. The functions read
// and write rows of a store, as those of ledger-state.mjs do.
//
//   observe(store, { id: "candidate", metric: "errors", value: 0, bounds: { errorsAbove: 0.05, least: 100 }, now })
//     -> { returned: undefined, count: 1, low: 0, high: 1 }
//
// A metric's values are in [0, 1]. Its mean has an empirical-Bernstein confidence sequence with predictable
// plug-in weights (Waudby-Smith and Ramdas, Journal of the Royal Statistical Society B 86, 2024, theorem 2),
// here one-sided on each side: at every number of values at once the mean lies above `low` but for the
// probability ALPHA, and below `high` likewise. So it may be looked at after each value, and a candidate that
// keeps a bound is returned with a probability of at most ALPHA for each metric, however long it runs. It
// supposes that each value's mean, given the values before, is the same; a mean that drifts is bounded on average
// only.
//
// Invariants:
// - A rollout returns once: the first metric to breach its bound stands, and no later value changes it.
// - A value counts once for each call; callers count an answer once.
// - A return is told until `told` is called with its name, by any isolate: a crash in between tells it twice, not
//   never.

/** The probability of returning a candidate that keeps its bound, for each metric. */
export const ALPHA = 0.01;
/** The largest weight of a value. */
const MOST_WEIGHT = 0.5;
const LONGEST_ID = 256;

/** An invalid call. The message begins with the code, since RPC drops other fields. */
export class RolloutError extends RangeError {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/**
 * @import { Store } from "./ledger-state.mjs"
 * @typedef {"feedback" | "shadow" | "errors"} Metric
 * @typedef {{feedbackBelow?: number, shadowBelow?: number, errorsAbove?: number, least: number}} Bounds `least` is
 *   the least number of values before a return
 */

/**
 * The sums of a metric, all over its values so far.
 * @typedef {object} Sums
 * @property {number} count
 * @property {number} sum
 * @property {number} squares of the distances from the mean before, which begins at 1/2
 * @property {number} weights
 * @property {number} weighted values times weights
 * @property {number} variance the sum of the variances' bounds, see `added`
 */

/**
 * @typedef {{metric: Metric, value: number, bound: number, count: number, low: number, high: number, at: number,
 *   name: string, told: boolean}} Returned `value` is the mean; `name` that of the event
 * @typedef {{returned?: Returned, metrics: Partial<Record<Metric, Sums>>}} Row
 * @typedef {{mean: number, count: number, low: number, high: number}} Interval
 * @typedef {{returned?: Returned, metrics: Partial<Record<Metric, Interval>>}} State
 */

/** @type {Metric[]} */
const METRICS = ["feedback", "shadow", "errors"];
const key = (/** @type {string} */ id) => `rollout:${id}`;

/** @returns {Sums} */
export const empty = () => ({ count: 0, sum: 0, squares: 0, weights: 0, weighted: 0, variance: 0 });

/**
 * The sums with another value.
 * @param {Sums} before
 * @param {number} value in [0, 1]
 * @returns {Sums}
 */
export function added(before, value) {
  const count = before.count + 1;
  const mean = (0.5 + before.sum) / count;
  const spread = (0.25 + before.squares) / count;
  const weight = Math.min(MOST_WEIGHT, Math.sqrt((2 * Math.log(1 / ALPHA)) / (spread * count * Math.log(count + 1))));
  const sum = before.sum + value;
  const after = (0.5 + sum) / (count + 1);
  return {
    count,
    sum,
    squares: before.squares + (value - after) ** 2,
    weights: before.weights + weight,
    weighted: before.weighted + weight * value,
    variance: before.variance + (value - mean) ** 2 * (-Math.log(1 - weight) - weight),
  };
}

/**
 * The mean with its bounds, in [0, 1].
 * @param {Sums} sums
 * @returns {Interval}
 */
export function interval({ count, sum, weights, weighted, variance }) {
  if (count === 0) return { mean: 0.5, count, low: 0, high: 1 };
  const middle = weighted / weights;
  const half = (Math.log(1 / ALPHA) + variance) / weights;
  return { mean: sum / count, count, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/**
 * The bound of a metric, and whether its values have certainly breached it.
 * @param {Metric} metric
 * @param {Interval} found
 * @param {Bounds} bounds
 * @returns {number | undefined} the bound, if it was breached
 */
function breached(metric, { count, low, high }, bounds) {
  if (count < bounds.least) return undefined;
  if (metric === "errors") {
    return bounds.errorsAbove !== undefined && low > bounds.errorsAbove ? bounds.errorsAbove : undefined;
  }
  const bound = metric === "feedback" ? bounds.feedbackBelow : bounds.shadowBelow;
  return bound !== undefined && high < bound ? bound : undefined;
}

/**
 * Adds a value of the candidate's.
 * @typedef {{id: string, metric: Metric, value: number, bounds: Bounds, now: number, name: string}} ObserveRequest `name`
 *   is that of the event, should this value return the candidate
 * @param {Store} store
 * @param {ObserveRequest} request
 * @returns {State}
 */
export function observe(store, { id, metric, value, bounds, now, name }) {
  check(id);
  if (!METRICS.includes(metric)) {
    throw new RolloutError("rollout_metric", `the metric is ${String(metric)}, expected one of ${METRICS.join(", ")}`);
  }
  if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
    throw new RolloutError("rollout_value", `the value is ${String(value)}, expected a number in [0, 1]`);
  }
  /** @type {Row} */
  const row = store.get(key(id)) ?? { metrics: {} };
  if (row.returned) return state(row);
  const sums = added(row.metrics[metric] ?? empty(), value);
  const metrics = { ...row.metrics, [metric]: sums };
  const found = interval(sums);
  const bound = breached(metric, found, bounds);
  const { mean, count, low, high } = found;
  const returned =
    bound === undefined ? undefined : { metric, value: mean, bound, count, low, high, at: now, name, told: false };
  const after = returned ? { metrics, returned } : { metrics };
  store.put(key(id), after);
  return state(after);
}

/**
 * @param {Store} store
 * @param {{id: string}} request
 * @returns {State}
 */
export function watched(store, { id }) {
  check(id);
  return state(store.get(key(id)) ?? { metrics: {} });
}

/**
 * Notes that a return was told.
 * @param {Store} store
 * @param {{id: string}} request
 */
export function told(store, { id }) {
  check(id);
  /** @type {Row | undefined} */
  const row = store.get(key(id));
  if (row?.returned) store.put(key(id), { ...row, returned: { ...row.returned, told: true } });
}

/** @param {Row} row @returns {State} */
function state({ metrics, returned }) {
  const intervals = Object.entries(metrics).map(([metric, sums]) => [metric, interval(sums)]);
  return { metrics: Object.fromEntries(intervals), ...(returned ? { returned } : {}) };
}

/** @param {unknown} id */
function check(id) {
  if (typeof id !== "string" || id === "" || id.length > LONGEST_ID) {
    throw new RolloutError("rollout_id", `the id is ${String(id)}, expected a text of 1 to ${LONGEST_ID} characters`);
  }
}
