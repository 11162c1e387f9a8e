// The ledger: its computation without workerd, then the Durable Object in workerd.

/** @import { ExtendRequest, Period, ReserveRequest, SettleRequest } from "../../worker/js/ledger-state.mjs" */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import {
  extend,
  LedgerError,
  look,
  MEMORY,
  MOST_OUTSTANDING,
  MOST_REMEMBERED,
  PIN_LIFE,
  periodOf,
  pin,
  pinned,
  RESERVATION_LIFE,
  readEarlier,
  reserve,
  settle,
} from "../../worker/js/ledger-state.mjs";
import { startLedger } from "./ledger-object.mjs";

const now = Date.UTC(2026, 10, 22, 12);
const DAY = 24 * 60 * 60 * 1000;
const LATE = RESERVATION_LIFE + 1;
const common = { limit: 1, period: /** @type {Period} */ ("day"), now };

/** A store in memory. */
class Rows extends Map {
  /** @param {string} key @param {unknown} row */
  put(key, row) {
    this.set(key, structuredClone(row));
  }

  /** @param {{prefix: string}} options */
  list({ prefix }) {
    return [...this].filter(([key]) => key.startsWith(prefix)).sort();
  }

  rows(prefix = "") {
    return this.list({ prefix }).length;
  }
}

/** A budget of $1 a day in memory; calls are made at `now` unless they say another time. */
function budget() {
  const rows = new Rows();
  return {
    rows,
    /** @param {Partial<ReserveRequest> & {id: string, usd: number}} request */
    reserve: (request) => reserve(rows, { ...common, ...request }),
    /** @param {Partial<ExtendRequest> & {id: string, usd: number}} request */
    extend: (request) => extend(rows, { ...common, ...request }),
    /** @param {Partial<SettleRequest> & {id: string, usd: number}} request */
    settle: (request) => settle(rows, { ...common, ...request }),
    /** What is spent and what is reserved. @param {Partial<typeof common>} request */
    state: (request = {}) => {
      const { spent, reserved } = look(rows, { ...common, ...request });
      return [spent, reserved];
    },
  };
}

const code = (/** @type {string} */ expected) => (/** @type {unknown} */ error) =>
  error instanceof LedgerError && error.code === expected && error.message.startsWith(expected);

test("a reservation is held until the actual cost replaces it", () => {
  const it = budget();
  const endsAt = Date.UTC(2026, 10, 23);
  const reserved = it.reserve({ id: "a", usd: 0.3 });
  assert.deepEqual(reserved, { granted: true, usd: 0.3, spent: 0, reserved: 0.3, endsAt });
  const settled = it.settle({ id: "a", usd: 0.1 });
  assert.deepEqual(settled, { spent: 0.1, reserved: 0, endsAt });
  assert.deepEqual(look(it.rows, common), settled);
});

test("settling twice changes nothing, and settling an unknown id adds its cost once", () => {
  const it = budget();
  it.reserve({ id: "a", usd: 0.3 });
  for (const usd of [0.2, 0.2, 9]) it.settle({ id: "a", usd });
  assert.deepEqual(it.state(), [0.2, 0]);
  for (const usd of [0.1, 0.1, 9]) it.settle({ id: "b", usd });
  assert.deepEqual(it.state(), [0.3, 0]);
});

test("a reservation that the limit leaves no room for is refused and stores nothing", () => {
  const it = budget();
  it.reserve({ id: "a", usd: 0.9 });
  const before = structuredClone([...it.rows]);
  const refused = it.reserve({ id: "b", usd: 0.2, now: now + 1 });
  assert.deepEqual([refused.granted, refused.usd, refused.reserved], [false, 0, 0.9]);
  assert.deepEqual([...it.rows], before);
  assert.equal(it.reserve({ id: "b", usd: 0.1 }).granted, true);
});

test("a reservation is granted in part, down to its least useful amount", () => {
  const it = budget();
  it.settle({ id: "x", usd: 0.4 });
  it.reserve({ id: "a", usd: 0.3 });
  const part = it.reserve({ id: "b", usd: 0.5, least: 0.3 });
  assert.deepEqual([part.granted, part.usd, part.reserved], [true, 0.3, 0.6]);
  it.settle({ id: "a", usd: 0 });
  assert.equal(it.reserve({ id: "c", usd: 0.5, least: 0.300000001 }).granted, false);
  assert.deepEqual(it.state(), [0.4, 0.3]);
});

test("a limit reached exactly refuses every further reservation, and a limit of 0 refuses all", () => {
  const it = budget();
  assert.equal(it.reserve({ id: "a", usd: 1 }).granted, true);
  assert.equal(it.reserve({ id: "b", usd: 0 }).granted, false);
  assert.equal(it.reserve({ id: "b", usd: 1, least: 0 }).granted, false);
  assert.equal(budget().reserve({ id: "a", usd: 0, limit: 0 }).granted, false);
});

test("an id that is outstanding, charged or settled cannot be reserved", () => {
  const it = budget();
  it.reserve({ id: "a", usd: 0.5 });
  assert.throws(() => it.reserve({ id: "a", usd: 0.1 }), code("ledger_id_taken"));
  assert.deepEqual(it.state(), [0, 0.5]);
  assert.throws(() => it.reserve({ id: "a", usd: 0.1, now: now + LATE }), code("ledger_id_taken"));
  it.settle({ id: "a", usd: 0.2 });
  assert.throws(() => it.reserve({ id: "a", usd: 0.1 }), code("ledger_id_taken"));
  assert.deepEqual(it.state(), [0.2, 0]);
});

test("a reservation is raised as far as the limit allows, and never lowered", () => {
  const it = budget();
  it.reserve({ id: "a", usd: 0.2 });
  it.reserve({ id: "b", usd: 0.3 });
  const raised = it.extend({ id: "a", usd: 0.7 });
  assert.deepEqual([raised.granted, raised.usd, raised.reserved], [true, 0.7, 1]);
  const refused = it.extend({ id: "b", usd: 0.300000001 });
  assert.deepEqual([refused.granted, refused.usd, refused.reserved], [false, 0.3, 1]);
  const less = it.extend({ id: "a", usd: 0.1 });
  assert.deepEqual([less.granted, less.usd, less.reserved], [true, 0.7, 1]);
  it.settle({ id: "a", usd: 0.6 });
  assert.deepEqual(it.state(), [0.6, 0.3]);
});

test("an id that is unknown, settled or charged cannot be raised", () => {
  const it = budget();
  it.reserve({ id: "settled", usd: 0.1 });
  it.settle({ id: "settled", usd: 0.1 });
  it.reserve({ id: "charged", usd: 0.1 });
  for (const id of ["unknown", "settled", "charged"]) {
    const { granted, usd } = it.extend({ id, usd: 0.2, now: now + LATE });
    assert.deepEqual([granted, usd], [false, 0], id);
  }
  assert.deepEqual(it.state({ now: now + LATE }), [0.2, 0]);
});

test("a reservation that is never settled counts as spent after 15 minutes", () => {
  const it = budget();
  it.reserve({ id: "a", usd: 0.25 });
  assert.deepEqual(it.state({ now: now + RESERVATION_LIFE }), [0, 0.25]);
  assert.deepEqual(it.state({ now: now + LATE }), [0.25, 0]);
  assert.equal(it.reserve({ id: "b", usd: 0.76, now: now + LATE }).granted, false);
});

test("a late settlement replaces what was charged, upwards and downwards, once", () => {
  for (const [usd, expected] of [
    [3.01, 3.01],
    [0.01, 0.01],
  ]) {
    const it = budget();
    it.reserve({ id: "a", usd: 0.25 });
    for (const more of [0, 1, 2]) it.settle({ id: "a", usd, now: now + LATE + more });
    assert.deepEqual(it.state({ now: now + DAY / 3 }), [expected, 0]);
  }
});

test("ends of calls are remembered for a day, then a settlement counts as one of an unknown id", () => {
  const month = { period: /** @type {Period} */ ("month") };
  const it = budget();
  it.reserve({ ...month, id: "a", usd: 0.2 });
  it.settle({ ...month, id: "b", usd: 0.1, now: now + LATE });
  for (const id of ["a", "b"]) it.settle({ ...month, id, usd: 0.1, now: now + LATE + MEMORY });
  assert.deepEqual(it.state({ ...month, now: now + LATE + MEMORY }), [0.2, 0]);
  const other = budget();
  other.reserve({ ...month, id: "a", usd: 0.2 });
  other.settle({ ...month, id: "a", usd: 0.1, now: now + LATE + MEMORY + 1 });
  assert.ok(other.state({ ...month, now: now + LATE + MEMORY + 1 })[0] >= 0.1);
});

test("only the newest ends are remembered, and rows older than a day are removed", () => {
  const it = budget();
  it.settle({ id: "first", usd: 0 });
  for (let at = 0; at < 2 * MOST_REMEMBERED; at += 1) it.settle({ id: `r${at}`, usd: 0.000001, now: now + 1 });
  assert.ok(it.rows.rows("end:") <= 2 * MOST_REMEMBERED, `${it.rows.rows("end:")} rows`);
  const { remembered } = it.rows.get("account:day");
  assert.equal(remembered, it.rows.rows("end:"));
  const last = 2 * MOST_REMEMBERED - 1;
  it.settle({ id: `r${last}`, usd: 9 });
  assert.deepEqual(it.state(), [0.02, 0]);
  it.settle({ id: "tomorrow", usd: 0, now: now + MEMORY + DAY });
  assert.equal(it.rows.rows("end:"), 1);
});

test("outstanding reservations are bounded, and a settlement makes room", () => {
  const it = budget();
  for (let at = 0; at < MOST_OUTSTANDING; at += 1) it.reserve({ id: `r${at}`, usd: 0 });
  assert.throws(() => it.reserve({ id: "more", usd: 0 }), code("ledger_full"));
  it.settle({ id: "r7", usd: 0 });
  assert.equal(it.reserve({ id: "more", usd: 0 }).granted, true);
});

test("a new period starts with what is still outstanding, which is settled or charged in it", () => {
  const evening = Date.UTC(2026, 10, 22, 23, 55);
  const midnight = Date.UTC(2026, 10, 23);
  const it = budget();
  it.settle({ id: "x", usd: 0.1, now: evening });
  it.reserve({ id: "a", usd: 0.5, now: evening });
  it.reserve({ id: "b", usd: 0.2, now: evening });
  assert.deepEqual(it.state({ now: midnight - 1 }), [0.1, 0.7]);
  assert.deepEqual(look(it.rows, { ...common, now: midnight }), { spent: 0, reserved: 0.7, endsAt: midnight + DAY });
  it.settle({ id: "a", usd: 0.4, now: midnight });
  assert.deepEqual(it.state({ now: midnight }), [0.4, 0.2]);
  assert.deepEqual(it.state({ now: evening + LATE }), [0.6, 0]);
});

test("a reservation charged in an earlier period adds to the new one only what it cost more", () => {
  const tomorrow = now + DAY / 2 + 1;
  const it = budget();
  it.reserve({ id: "a", usd: 0.5 });
  it.reserve({ id: "b", usd: 0.5 });
  it.settle({ id: "c", usd: 0.3, now: tomorrow });
  assert.deepEqual(it.state({ now: tomorrow }), [0.3, 0]);
  it.settle({ id: "a", usd: 0.1, now: tomorrow });
  assert.deepEqual(it.state({ now: tomorrow }), [0.3, 0]);
  it.settle({ id: "b", usd: 0.6, now: tomorrow });
  assert.deepEqual(it.state({ now: tomorrow }), [0.4, 0]);
});

test("a clock that is behind never brings an earlier period or a charged reservation back", () => {
  const midnight = Date.UTC(2026, 10, 23);
  const it = budget();
  it.reserve({ id: "a", usd: 0.5, now: midnight });
  const answer = it.settle({ id: "a", usd: 0.4, now: midnight - 1 });
  assert.deepEqual(answer, { spent: 0.4, reserved: 0, endsAt: midnight + DAY });
  it.reserve({ id: "b", usd: 0.1, now: midnight });
  it.settle({ id: "c", usd: 0, now: midnight + LATE });
  assert.equal(it.extend({ id: "b", usd: 0.2, now: midnight }).granted, false);
  assert.deepEqual(it.state({ now: midnight }), [0.5, 0]);
});

test("budgets of different period names do not reset each other", () => {
  const it = budget();
  for (let at = 0; at < 4; at += 1) {
    const period = /** @type {Period} */ (at % 2 ? "month" : "day");
    it.reserve({ id: `r${at}`, usd: 0.2, period });
    it.settle({ id: `r${at}`, usd: 0.1, period });
  }
  assert.deepEqual(it.state({ period: "day" }), [0.2, 0]);
  assert.deepEqual(it.state({ period: "month" }), [0.2, 0]);
});

test("sums of many small amounts are exact", () => {
  const it = budget();
  for (let at = 0; at < 3000; at += 1) {
    it.reserve({ id: `r${at}`, usd: 0.0003 });
    it.settle({ id: `r${at}`, usd: 0.0001 });
  }
  assert.deepEqual(it.state(), [0.3, 0]);
  assert.equal(it.reserve({ id: "rest", usd: 0.7 }).granted, true);
  assert.equal(it.reserve({ id: "more", usd: 1e-9 }).granted, false);
});

test("a cost below a nano-dollar is rounded up, and a limit down", () => {
  const it = budget();
  for (let at = 0; at < 10; at += 1) it.settle({ id: `r${at}`, usd: 1e-11 });
  assert.deepEqual(it.state(), [1e-8, 0]);
  assert.equal(it.reserve({ id: "a", usd: 1e-10, limit: 1.09e-8 }).granted, false);
  assert.equal(it.reserve({ id: "a", usd: 1e-10, limit: 1.1e-8 }).granted, true);
});

test("the row of an earlier version is read into rows of this one, once", () => {
  const rows = new Rows();
  const reservations = new Map([
    ["open", { usd: 0.2, at: now }],
    ["old", { usd: 0.1, at: now - LATE }],
  ]);
  rows.put("budget", { period: "day", startsAt: periodOf("day", now).startsAt, spent: 0.1 + 0.2, reservations });
  for (const _ of [0, 1]) readEarlier(rows);
  const spentAndReserved = (/** @type {number} */ at) => {
    const { spent, reserved } = look(rows, { ...common, now: at });
    return [spent, reserved];
  };
  assert.deepEqual(spentAndReserved(now), [0.4, 0.2]);
  assert.deepEqual(spentAndReserved(now + LATE), [0.6, 0]);
  settle(rows, { ...common, id: "open", usd: 0.05 });
  assert.deepEqual(spentAndReserved(now), [0.45, 0]);
  assert.deepEqual(rows.get("budget"), undefined);
});

test("periods are UTC days and months", () => {
  const last = Date.UTC(2026, 11, 31, 23, 59, 59, 999);
  const january = Date.UTC(2027, 0, 1);
  assert.deepEqual(periodOf("month", last), { startsAt: Date.UTC(2026, 11), endsAt: january });
  assert.deepEqual(periodOf("day", last), { startsAt: Date.UTC(2026, 11, 31), endsAt: january });
  assert.equal(periodOf("day", january).startsAt, january);
  assert.equal(periodOf("month", Date.UTC(2028, 1, 29)).endsAt, Date.UTC(2028, 2));
});

test("invalid amounts, periods, times and names are refused with a code", () => {
  const good = { id: "a", usd: 0, least: 0, ...common };
  /** @type {[code: string, field: string, values: unknown[]][]} */
  const cases = [
    ["ledger_amount", "usd", [NaN, Infinity, -0.01, 1e13, "1", null, undefined]],
    ["ledger_amount", "least", [NaN, Infinity, -1, "1", null]],
    ["ledger_amount", "limit", [NaN, Infinity, -1, undefined]],
    ["ledger_period", "period", ["week", undefined, 7]],
    ["ledger_time", "now", [NaN, -1, Infinity, undefined, "now"]],
    ["ledger_id", "id", ["", 7, undefined, "x".repeat(257)]],
  ];
  for (const [expected, field, values] of cases) {
    for (const value of values) {
      for (const step of [reserve, ...(field === "least" ? [] : [extend])]) {
        const rows = new Rows();
        assert.throws(() => step(rows, { ...good, [field]: value }), code(expected), `${step.name} ${field} ${value}`);
        assert.equal(rows.size, 0);
      }
    }
  }
  assert.throws(() => pin({ model: "", now }), { code: "ledger_model" });
});

test("a pin lives for an hour after its last use", () => {
  const state = pin({ model: "large", now });
  assert.equal(pinned(state, { now: now + PIN_LIFE })[1], "large");
  assert.deepEqual(pinned(state, { now: now + PIN_LIFE + 1 }), [undefined, null]);
  const [used] = pinned(state, { now: now + PIN_LIFE });
  assert.equal(pinned(used, { now: now + 2 * PIN_LIFE })[1], "large");
  assert.deepEqual(pinned(undefined, { now }), [undefined, null]);
});

/** @type {(...call: import("./ledger-object.mjs").Call) => import("./ledger-object.mjs").Call} */
const call = (...one) => one;

describe("in workerd", () => {
  /** @type {ReturnType<typeof startLedger>} */
  let ledger;
  before(() => {
    ledger = startLedger();
  });
  after(() => ledger.close());
  /** @type {typeof ledger.calls} */
  const calls = (...given) => ledger.calls(...given);

  test("concurrent reservations never exceed the limit", async () => {
    const requests = Array.from({ length: 60 }, (_, at) => call("reserve", { ...common, id: `r${at}`, usd: 0.125 }));
    const answers = await calls("budget:crowd", ...requests);
    assert.equal(answers.filter(({ value }) => value.granted).length, 8);
    const [{ value }] = await calls("budget:crowd", ["spent", common]);
    assert.equal(value.reserved, 1);
  });

  test("settlements among reservations are counted once each", async () => {
    const ids = Array.from({ length: 30 }, (_, at) => `r${at}`);
    const limit = 1000;
    await calls("budget:mixed", ...ids.map((id) => call("reserve", { ...common, limit, id, usd: 1 })));
    const settle = ids.map((id) => call("settle", { ...common, id, usd: 0.5 }));
    await calls("budget:mixed", ...settle, ...settle);
    const [{ value }] = await calls("budget:mixed", ["spent", { ...common, limit }]);
    assert.deepEqual([value.spent, value.reserved], [15, 0]);
  });

  test("objects with other names have their own state", async () => {
    const [{ value }] = await calls("budget:other", ["spent", common]);
    assert.deepEqual([value.spent, value.reserved], [0, 0]);
  });

  test("an invalid amount is a RangeError with its code, and changes nothing", async () => {
    const answers = await calls(
      "budget:wrong",
      ["reserve", { ...common, id: "a", usd: -1 }],
      ["settle", { ...common, id: "a", period: "week", usd: 1 }],
      ["spent", common],
    );
    assert.deepEqual(
      answers.map(({ error }) => error?.name),
      ["RangeError", "RangeError", undefined],
    );
    assert.match(answers[0].error.message, /^ledger_amount: usd is -1/);
    assert.match(answers[1].error.message, /^ledger_period: the period is "week"/);
    assert.equal(answers[2].value.spent, 0);
  });

  test("an id that is taken and a reservation that is raised are answered as such", async () => {
    const [first] = await calls("budget:raised", ["reserve", { ...common, id: "a", usd: 0.5, least: 0.1 }]);
    assert.deepEqual([first.value.granted, first.value.usd], [true, 0.5]);
    const [again] = await calls("budget:raised", ["reserve", { ...common, id: "a", usd: 0.1 }]);
    assert.match(again.error.message, /^ledger_id_taken: the id "a" is in use/);
    const [raised] = await calls("budget:raised", ["extend", { ...common, id: "a", usd: 0.75 }]);
    assert.deepEqual([raised.value.granted, raised.value.usd, raised.value.reserved], [true, 0.75, 0.75]);
  });

  test("a restarted object has every row, and reads the row of an earlier version", async () => {
    const { startsAt } = periodOf("day", now);
    const row = { period: "day", startsAt, spent: 0.3, reservations: { a: { usd: 0.2, at: now } } };
    await calls("budget:earlier", ["plant", { key: "budget", row }]);
    for (const _ of [0, 1]) {
      assert.ok((await calls("budget:earlier", ["crash"]))[0].error);
      const [{ value }] = await calls("budget:earlier", ["spent", common]);
      assert.deepEqual([value.spent, value.reserved], [0.3, 0.2]);
    }
    const [{ value }] = await calls("budget:earlier", ["settle", { ...common, id: "a", usd: 0.1 }]);
    assert.deepEqual([value.spent, value.reserved], [0.4, 0]);
  });

  test("a session's model is stored, replaced, and deleted after it has expired", async () => {
    const [none] = await calls("session:a:1", ["pinned", { now }]);
    assert.equal(none.value, null);
    await calls("session:a:1", ["pin", { model: "small", now }]);
    await calls("session:a:1", ["pin", { model: "large", now }]);
    assert.equal((await calls("session:a:1", ["pinned", { now: now + 1000 }]))[0].value, "large");
    assert.equal((await calls("session:a:1", ["pinned", { now: now + PIN_LIFE + 1 }]))[0].value, null);
    await calls("session:a:1", ["pin", { model: "large", now: Date.now() }]);
    assert.deepEqual(await ringed("session:a:1"), [1, true]);
    await calls("session:a:1", ["pin", { model: "large", now: Date.now() - PIN_LIFE - 1 }]);
    assert.deepEqual(await ringed("session:a:1"), [0, false]);
  });

  /**
   * The entries left after the object's alarm, and whether another alarm is set.
   * @param {string} object
   */
  async function ringed(object) {
    const [{ value }] = await calls(object, ["ring"]);
    return [value.entries, value.alarm];
  }
});
