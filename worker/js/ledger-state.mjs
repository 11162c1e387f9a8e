// Computes budgets of keys and pins of sessions. A budget's functions read and write rows of a store:
// ledger.mjs passes a Durable Object's storage, tests a Map. A session's pin is the model that gave its
// last answer.
//
//   reserve(store, { id: "r1", usd: 0.02, least: 0.01, limit: 50, period: "month", now })
//     -> { granted: true, usd: 0.02, spent: 0, reserved: 0.02, endsAt }
//
// The law: at every moment spent + reserved <= limit, as long as no call costs more than its reservation;
// and the cost of every call is counted exactly once, in whatever order calls end, late, or across periods;
// a call that is never settled costs its whole reservation. tests/worker/ledger-law.test.mjs holds it.
//
// Invariants:
// - A call's upper bound is reserved before the call; settling replaces it by the actual cost. A
//   reservation is granted in part, down to `least`, if the limit leaves less than `usd`, and refused if
//   it leaves less than `least` or nothing.
// - An id is reserved once. Reserving it again is the error `ledger_id_taken` while the reservation is
//   outstanding and as long as its end is remembered.
// - A reservation that is not settled within 15 minutes is charged: it counts as spent in full, from that
//   moment on. Settling it later adds the difference to its cost.
// - Settling an unknown id adds its cost. Settling an id twice changes nothing the second time.
// - The ends of calls (settled, or charged and with how much) are remembered for a day, as long as not
//   more than 10,000 calls ended after it. A settlement after that counts as one of an unknown id: the
//   call then costs more than it should, never less.
// - A new period starts with nothing spent, and with the outstanding reservations of the period before:
//   they are reserved, charged or settled in it. A reservation charged in an earlier period that proves to
//   be cheaper gives nothing back to the new one.
// - Budgets of different period names are separate, so that isolates of two deployments with different
//   `period` do not reset each other's budget.
// - A budget's clock never goes back: a call with an earlier `now` happens at the time of the latest stored
//   change. So a clock that is behind never brings an earlier period back.
// - At most 5,000 reservations are outstanding; another one is the error `ledger_full`.
// - Amounts are integers of nano-dollars, so sums are exact. Costs and reservations are rounded up, limits
//   down.
// - A refusal stores nothing. A row has at most a few hundred bytes, far below the 2 MiB of a value in a
//   Durable Object; a change writes two rows.

/** Milliseconds after which an unsettled reservation counts as spent. */
export const RESERVATION_LIFE = 15 * 60 * 1000;
/** Milliseconds for which the end of a call is remembered. */
export const MEMORY = 24 * 60 * 60 * 1000;
/** The largest number of outstanding reservations. */
export const MOST_OUTSTANDING = 5_000;
/** The number of ended calls that are remembered; up to twice as many rows exist before a removal. */
export const MOST_REMEMBERED = 10_000;
/** Milliseconds for which a pin lives after its last use. */
export const PIN_LIFE = 60 * 60 * 1000;
/** Reading a pin is a use; a use within this many milliseconds of the last one is not stored. */
const PIN_STEP = 60 * 1000;
/** Milliseconds between two removals of what need not be remembered. */
const REMOVAL_STEP = 60 * 60 * 1000;
const LONGEST_NAME = 256;
/** The largest time value of a Date. */
const LAST_MOMENT = 8.64e15;
/** The largest amount in US dollars. */
const MOST_USD = 1e12;
const NANO = 1e9;
/** The part of a nano-dollar that is taken for an error of floating point. */
const NOISE = 1e-6;

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
 * The rows of a budget: a Durable Object's `storage.kv`.
 * @typedef {object} Store
 * @property {(key: string) => any} get
 * @property {(key: string, row: unknown) => void} put
 * @property {(key: string) => unknown} delete
 * @property {(options: {prefix: string}) => Iterable<[key: string, row: any]>} list
 */

/**
 * The row of a period's name, at the time of the latest change. Amounts are in nano-dollars, times in
 * milliseconds.
 * @typedef {object} Account
 * @property {number} at
 * @property {number} startsAt the period's first millisecond, UTC
 * @property {bigint} spent
 * @property {bigint} reserved the sum of the outstanding reservations
 * @property {number} outstanding their number
 * @property {number} oldest when the oldest of them was made, or earlier; Infinity without any
 * @property {number} remembered the number of rows of ended calls
 * @property {number} tidiedAt when such rows were last removed
 */

/**
 * @typedef {{amount: bigint, at: number}} Reservation the row of an outstanding one
 * @typedef {{charged?: bigint, at: number}} End the row of an ended call: `charged` until it is settled
 * @typedef {{spent: number, reserved: number, endsAt: number}} Spent US dollars; the period's end in milliseconds
 * @typedef {{granted: boolean, usd: number} & Spent} Granted `usd` is what the id has reserved
 * @typedef {{model: string, usedAt: number}} Pin `usedAt` in milliseconds
 */

/** The key of the only row of earlier versions. */
const EARLIER = "budget";
const accountKey = (/** @type {Period} */ period) => `account:${period}`;
const outstandingKey = (/** @type {Period} */ period, id = "") => `outstanding:${period}:${id}`;
const endKey = (/** @type {Period} */ period, id = "") => `end:${period}:${id}`;

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
 * Reserves the smaller of `usd` and what the limit leaves, if that is at least `least` (by default `usd`).
 * @typedef {{id: string, usd: number, least?: number, limit: number, period: Period, now: number}} ReserveRequest
 * @param {Store} store
 * @param {ReserveRequest} request
 * @returns {Granted} the state afterwards
 */
export function reserve(store, { id, usd, least = usd, limit, period, now }) {
  name("ledger_id", "id", id);
  const wanted = cost("usd", usd);
  const enough = cost("least", least);
  const most = atMost("limit", limit);
  const budget = new Budget(store, period, now);
  if (budget.reservation(id) || budget.end(id)) {
    throw new LedgerError("ledger_id_taken", `the id ${shown(id)} is in use, expected a new one for each call`);
  }
  const left = most - budget.account.spent - budget.account.reserved;
  const inFull = wanted <= left;
  if (left <= 0n || (!inFull && left < enough)) return { granted: false, usd: 0, ...budget.answer() };
  if (budget.account.outstanding >= MOST_OUTSTANDING) {
    const text = `${MOST_OUTSTANDING} calls are outstanding, expected fewer. Try again when some have ended`;
    throw new LedgerError("ledger_full", text);
  }
  budget.open(id, inFull ? wanted : left);
  budget.store();
  return { granted: true, usd: inFull ? usd : dollars(left), ...budget.answer() };
}

/**
 * Raises the outstanding reservation `id` to a total of `usd`, if the limit allows; it is never lowered.
 * @typedef {{id: string, usd: number, limit: number, period: Period, now: number}} ExtendRequest
 * @param {Store} store
 * @param {ExtendRequest} request
 * @returns {Granted} the state afterwards
 */
export function extend(store, { id, usd, limit, period, now }) {
  name("ledger_id", "id", id);
  const wanted = cost("usd", usd);
  const most = atMost("limit", limit);
  const budget = new Budget(store, period, now);
  const reservation = budget.reservation(id);
  if (!reservation) return { granted: false, usd: 0, ...budget.answer() };
  const { amount } = reservation;
  if (wanted <= amount) return { granted: true, usd: Math.max(usd, dollars(amount)), ...budget.answer() };
  if (budget.account.spent + budget.account.reserved - amount + wanted > most) {
    return { granted: false, usd: dollars(amount), ...budget.answer() };
  }
  budget.raise(id, reservation, wanted);
  budget.store();
  return { granted: true, usd, ...budget.answer() };
}

/**
 * Replaces the reservation `id` by the actual cost.
 * @typedef {{id: string, usd: number, period: Period, now: number}} SettleRequest
 * @param {Store} store
 * @param {SettleRequest} request
 * @returns {Spent} the state afterwards
 */
export function settle(store, { id, usd, period, now }) {
  name("ledger_id", "id", id);
  const paid = cost("usd", usd);
  const budget = new Budget(store, period, now);
  if (budget.settle(id, paid)) budget.store();
  return budget.answer();
}

/**
 * @typedef {{limit: number, period: Period, now: number}} LookRequest
 * @param {Store} store
 * @param {LookRequest} request
 * @returns {Spent} the state at `now`; nothing is stored
 */
export function look(store, { limit, period, now }) {
  atMost("limit", limit);
  return new Budget(store, period, now).answer();
}

/**
 * Reads what an earlier version stored, one row for all reservations, into rows of this version.
 * @param {Store} store
 */
export function readEarlier(store) {
  /** @type {{period: Period, startsAt: number, spent: number, reservations: Map<string, {usd: number, at: number}>} | undefined} */
  const earlier = store.get(EARLIER);
  if (!earlier) return;
  const { period, startsAt, spent, reservations } = earlier;
  const budget = new Budget(store, period, startsAt);
  if (budget.account.startsAt === startsAt) budget.account.spent += cost("spent", spent);
  for (const [id, { usd, at }] of reservations) {
    if (!budget.reservation(id) && !budget.end(id)) budget.open(id, cost("usd", usd), at);
  }
  budget.store();
  store.delete(EARLIER);
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

/** A budget at a moment. Changes are in memory until `store` writes them. */
class Budget {
  /** @type {Account} */
  account;
  /** @type {Store} */
  #rows;
  /** @type {Period} */
  #period;
  /** The outstanding reservations that are charged at this moment. @type {Map<string, End & {charged: bigint}>} */
  #charged = new Map();
  /** The changed rows by key; undefined for a removed one. @type {Map<string, Reservation | End | undefined>} */
  #changed = new Map();

  /** @param {Store} rows @param {Period} period @param {number} now */
  constructor(rows, period, now) {
    this.#rows = rows;
    this.#period = period;
    periodOf(period, now);
    /** @type {Account | undefined} */
    const stored = rows.get(accountKey(period));
    const at = Math.max(now, stored?.at ?? 0);
    const { startsAt } = periodOf(period, at);
    this.account = stored
      ? { ...stored, at, startsAt, spent: stored.startsAt < startsAt ? 0n : stored.spent }
      : { at, startsAt, spent: 0n, reserved: 0n, outstanding: 0, oldest: Infinity, remembered: 0, tidiedAt: at };
    if (at - this.account.oldest > RESERVATION_LIFE) this.#charge();
  }

  /** Charges the reservations that have been outstanding for too long. */
  #charge() {
    const { account } = this;
    const prefix = outstandingKey(this.#period);
    account.oldest = Infinity;
    for (const [key, { amount, at }] of this.#rows.list({ prefix })) {
      if (account.at - at <= RESERVATION_LIFE) {
        account.oldest = Math.min(account.oldest, at);
        continue;
      }
      const id = key.slice(prefix.length);
      const end = { charged: amount, at: at + RESERVATION_LIFE + 1 };
      this.#charged.set(id, end);
      this.#ended(id, amount, end);
      // One whose time was over before this period belongs to an earlier one.
      if (end.at >= account.startsAt) account.spent += amount;
    }
  }

  /** @param {string} id @returns {Reservation | undefined} */
  reservation(id) {
    return this.#charged.has(id) ? undefined : this.#rows.get(outstandingKey(this.#period, id));
  }

  /** @param {string} id @returns {End | undefined} */
  end(id) {
    const end = this.#charged.get(id) ?? this.#rows.get(endKey(this.#period, id));
    return end && this.account.at - end.at <= MEMORY ? end : undefined;
  }

  /** @param {string} id @param {bigint} amount */
  open(id, amount, at = this.account.at) {
    const { account } = this;
    account.reserved += amount;
    account.outstanding += 1;
    account.oldest = Math.min(account.oldest, at);
    this.#changed.set(outstandingKey(this.#period, id), { amount, at });
  }

  /** @param {string} id @param {Reservation} reservation @param {bigint} amount */
  raise(id, reservation, amount) {
    this.account.reserved += amount - reservation.amount;
    this.#changed.set(outstandingKey(this.#period, id), { ...reservation, amount });
  }

  /**
   * @param {string} id
   * @param {bigint} paid
   * @returns {boolean} whether this changed anything
   */
  settle(id, paid) {
    const { account } = this;
    const reservation = this.reservation(id);
    const end = reservation ? undefined : this.end(id);
    if (end && end.charged === undefined) return false;
    const settled = { at: account.at };
    if (reservation) {
      account.spent += paid;
      this.#ended(id, reservation.amount, settled);
    } else {
      const charged = end?.charged ?? 0n;
      const inThisPeriod = end !== undefined && end.at >= account.startsAt;
      if (paid > charged || inThisPeriod) account.spent += paid - charged;
      this.#remember(id, settled);
    }
    return true;
  }

  /** @param {string} id @param {bigint} amount the reservation's @param {End} end */
  #ended(id, amount, end) {
    const { account } = this;
    account.reserved -= amount;
    account.outstanding -= 1;
    if (account.outstanding === 0) account.oldest = Infinity;
    this.#changed.set(outstandingKey(this.#period, id), undefined);
    this.#remember(id, end);
  }

  /** @param {string} id @param {End} end */
  #remember(id, end) {
    const key = endKey(this.#period, id);
    if (!this.#changed.has(key) && !this.#rows.get(key)) this.account.remembered += 1;
    this.#changed.set(key, end);
  }

  /** Writes the changes. */
  store() {
    for (const [key, row] of this.#changed) {
      if (row) this.#rows.put(key, row);
      else this.#rows.delete(key);
    }
    const { remembered, tidiedAt, at } = this.account;
    if (remembered >= 2 * MOST_REMEMBERED || (remembered > 0 && at - tidiedAt > REMOVAL_STEP)) this.#tidy();
    this.#rows.put(accountKey(this.#period), this.account);
  }

  /** Removes the ends of calls that need not be remembered. */
  #tidy() {
    const { account } = this;
    /** @type {[key: string, at: number][]} */
    const ends = [];
    for (const [key, { at }] of this.#rows.list({ prefix: endKey(this.#period) })) ends.push([key, at]);
    ends.sort(([, one], [, other]) => other - one);
    const kept = ends.findIndex(([, at], index) => index >= MOST_REMEMBERED || account.at - at > MEMORY);
    for (const [key] of kept < 0 ? [] : ends.slice(kept)) this.#rows.delete(key);
    account.remembered = kept < 0 ? ends.length : kept;
    account.tidiedAt = account.at;
  }

  /** @returns {Spent} */
  answer() {
    const { spent, reserved, startsAt } = this.account;
    const { endsAt } = periodOf(this.#period, startsAt);
    return { spent: dollars(spent), reserved: dollars(reserved), endsAt };
  }
}

/** @param {bigint} nanos */
function dollars(nanos) {
  return Number(nanos) / NANO;
}

/** Nano-dollars, rounded up. @param {string} field @param {unknown} usd */
function cost(field, usd) {
  return BigInt(Math.max(0, Math.ceil(checked(field, usd) * NANO - NOISE)));
}

/** Nano-dollars, rounded down. @param {string} field @param {unknown} usd */
function atMost(field, usd) {
  return BigInt(Math.floor(checked(field, usd) * NANO + NOISE));
}

/** @param {string} field @param {unknown} value @returns {number} */
function checked(field, value) {
  if (typeof value !== "number" || !(value >= 0 && value <= MOST_USD)) {
    throw new LedgerError("ledger_amount", `${field} is ${shown(value)}, expected US dollars from 0 to ${MOST_USD}`);
  }
  return value;
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
