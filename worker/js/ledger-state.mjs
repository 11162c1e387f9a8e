// Computes budgets of keys and pins of sessions, as pure functions from a state to a new state and an
// answer; ledger.mjs stores the state. A session's pin is the model that gave its last answer.
//
//   reserve(undefined, { id: "r1", usd: 0.02, limit: 50, period: "month", now })
//     -> [state, { granted: true, spent: 0, reserved: 0.02, endsAt }]
//
// Invariants:
// - A call's estimate is reserved before the call; settling replaces it by the actual cost.
// - A reservation is refused once spent plus reserved has reached the limit. The reservation that
//   crosses the limit is granted, so the last call of a period may overshoot it.
// - A reservation that is not settled within 15 minutes counts as spent at its estimate and is removed.
//   Settling it later, settling it twice and settling without a reservation change nothing.
// - A new period starts at zero, without the reservations of the period before. A clock that is behind
//   never brings an earlier period back.

/** Milliseconds after which an unsettled reservation counts as spent. */
export const RESERVATION_LIFE = 15 * 60 * 1000;
/** Milliseconds for which a pin lives after its last use. */
export const PIN_LIFE = 60 * 60 * 1000;
/** Reading a pin is a use; a use within this many milliseconds of the last one is not stored. */
const PIN_STEP = 60 * 1000;
const LONGEST_NAME = 256;
/** The largest time value of a Date. */
const LAST_MOMENT = 8.64e15;

/** An invalid call of the ledger. The message begins with the code, since RPC drops other fields. */
export class LedgerError extends RangeError {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** @typedef {"day" | "month"} Period */

/**
 * @typedef {object} Budget
 * @property {Period} period
 * @property {number} startsAt the period's first millisecond, UTC
 * @property {number} spent US dollars
 * @property {Map<string, {usd: number, at: number}>} reservations by the request's id
 */

/**
 * @typedef {{spent: number, reserved: number, endsAt: number}} Spent US dollars; the period's end in milliseconds
 * @typedef {{model: string, usedAt: number}} Pin `usedAt` in milliseconds
 */

/**
 * The period that contains `now`: its first millisecond and that of the next period, UTC.
 * @param {Period} period
 * @param {number} now in milliseconds
 */
export function periodOf(period, now) {
  moment(now);
  const date = new Date(now);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (period === "day") return { startsAt: Date.UTC(year, month, day), endsAt: Date.UTC(year, month, day + 1) };
  if (period === "month") return { startsAt: Date.UTC(year, month), endsAt: Date.UTC(year, month + 1) };
  throw new LedgerError("ledger_period", `the period is ${shown(period)}, expected "day" or "month"`);
}

/**
 * @typedef {{id: string, usd: number, limit: number, period: Period, now: number}} ReserveRequest
 * @param {Budget | undefined} state
 * @param {ReserveRequest} request
 * @returns {[Budget, {granted: boolean} & Spent]}
 */
export function reserve(state, { id, usd, limit, period, now }) {
  name("ledger_id", "id", id);
  amount("usd", usd);
  amount("limit", limit);
  const next = current(state, period, now);
  next.reservations.delete(id);
  const granted = next.spent + reservedIn(next) < limit;
  if (granted) next.reservations.set(id, { usd, at: now });
  return [next, { granted, ...answer(next) }];
}

/**
 * @typedef {{id: string, usd: number, period: Period, now: number}} SettleRequest
 * @param {Budget | undefined} state
 * @param {SettleRequest} request
 * @returns {[Budget, Spent]}
 */
export function settle(state, { id, usd, period, now }) {
  name("ledger_id", "id", id);
  amount("usd", usd);
  const next = current(state, period, now);
  if (next.reservations.delete(id)) next.spent += usd;
  return [next, answer(next)];
}

/**
 * @typedef {{limit: number, period: Period, now: number}} LookRequest
 * @param {Budget | undefined} state
 * @param {LookRequest} request
 * @returns {Spent} the answer, without a change of the state
 */
export function look(state, { limit, period, now }) {
  amount("limit", limit);
  return answer(current(state, period, now));
}

/**
 * @typedef {{model: string, now: number}} PinRequest
 * @param {PinRequest} request
 * @returns {Pin}
 */
export function pin({ model, now }) {
  name("ledger_model", "model", model);
  moment(now);
  return { model, usedAt: now };
}

/**
 * @param {Pin | undefined} state
 * @param {{now: number}} request
 * @returns {[Pin | undefined, string | null]} the pin after this use, and its model while it lives
 */
export function pinned(state, { now }) {
  moment(now);
  if (!state || now - state.usedAt > PIN_LIFE) return [undefined, null];
  return [now - state.usedAt >= PIN_STEP ? { ...state, usedAt: now } : state, state.model];
}

/**
 * A copy of the state at `now`: in the current period, with expired reservations spent.
 * @param {Budget | undefined} state
 * @param {Period} period
 * @param {number} now
 * @returns {Budget}
 */
function current(state, period, now) {
  const { startsAt } = periodOf(period, now);
  if (!state || state.period !== period || state.startsAt < startsAt) {
    return { period, startsAt, spent: 0, reservations: new Map() };
  }
  const next = { ...state, reservations: new Map(state.reservations) };
  for (const [id, { usd, at }] of next.reservations) {
    if (now - at <= RESERVATION_LIFE) continue;
    next.reservations.delete(id);
    next.spent += usd;
  }
  return next;
}

/** @param {Budget} state @returns {Spent} */
function answer(state) {
  const { endsAt } = periodOf(state.period, state.startsAt);
  return { spent: state.spent, reserved: reservedIn(state), endsAt };
}

/** @param {Budget} state */
function reservedIn({ reservations }) {
  let total = 0;
  for (const { usd } of reservations.values()) total += usd;
  return total;
}

/** @param {string} field @param {unknown} value */
function amount(field, value) {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
    throw new LedgerError("ledger_amount", `${field} is ${shown(value)}, expected US dollars, 0 or more`);
  }
}

/** @param {unknown} now */
function moment(now) {
  if (typeof now !== "number" || !(now >= 0 && now <= LAST_MOMENT)) {
    throw new LedgerError("ledger_time", `now is ${shown(now)}, expected milliseconds since 1970`);
  }
}

/** @param {string} code @param {string} field @param {unknown} value */
function name(code, field, value) {
  if (typeof value !== "string" || value === "" || value.length > LONGEST_NAME) {
    throw new LedgerError(code, `${field} is ${shown(value)}, expected a text of 1 to ${LONGEST_NAME} characters`);
  }
}

/** @param {unknown} value */
function shown(value) {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
