// The ledger: its computation without workerd, then the Durable Object in workerd.

/** @import { Budget, Period } from "../../worker/js/ledger-state.mjs" */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { Miniflare } from "miniflare";

import {
  LedgerError,
  look,
  PIN_LIFE,
  periodOf,
  pin,
  pinned,
  RESERVATION_LIFE,
  reserve,
  settle,
} from "../../worker/js/ledger-state.mjs";
import { ROOT } from "../hosts/paths.mjs";
import { seeded } from "./soak.mjs";

const now = Date.UTC(2026, 10, 22, 12);
const DAY = 24 * 60 * 60 * 1000;
const common = { limit: 1, period: /** @type {Period} */ ("day"), now };

/**
 * The state after these steps, and the answer to the last one.
 * @param {Step[]} steps
 * @param {Budget} [from]
 */
function stateAfter(steps, from) {
  let state = from;
  let answer;
  for (const [step, request] of steps) [state, answer] = step(state, { ...common, ...request });
  if (!state || !answer) throw new Error("no steps");
  return /** @type {[Budget, {granted?: boolean, spent: number, reserved: number, endsAt: number}]} */ ([
    state,
    answer,
  ]);
}

/**
 * @typedef {{id: string, usd: number, limit?: number, now?: number, period?: Period}} Request
 * @typedef {[step: typeof reserve | typeof settle, request: Request]} Step
 */

const near = (/** @type {number} */ found, /** @type {number} */ expected) =>
  assert.ok(Math.abs(found - expected) < 1e-9, `${found}, expected ${expected}`);

test("a reservation is held until the actual cost replaces it", () => {
  const [reserved, first] = stateAfter([[reserve, { id: "a", usd: 0.3 }]]);
  assert.deepEqual(first, { granted: true, spent: 0, reserved: 0.3, endsAt: Date.UTC(2026, 10, 23) });
  const [settled, second] = stateAfter([[settle, { id: "a", usd: 0.1 }]], reserved);
  assert.deepEqual(second, { spent: 0.1, reserved: 0, endsAt: Date.UTC(2026, 10, 23) });
  assert.deepEqual(look(settled, common), second);
});

test("settling twice, or without a reservation, changes nothing", () => {
  /** @type {Step[]} */
  const steps = [
    [reserve, { id: "a", usd: 0.3 }],
    [settle, { id: "a", usd: 0.2 }],
    [settle, { id: "a", usd: 0.2 }],
    [settle, { id: "b", usd: 9 }],
  ];
  assert.equal(stateAfter(steps)[1].spent, 0.2);
});

test("the reservation that crosses the limit is granted and the next refused", () => {
  /** @type {Step[]} */
  const steps = [
    [reserve, { id: "a", usd: 0.9 }],
    [reserve, { id: "b", usd: 0.9 }],
  ];
  const [state, crossing] = stateAfter(steps);
  assert.equal(crossing.granted, true);
  const [kept, refused] = stateAfter([[reserve, { id: "c", usd: 0 }]], state);
  assert.equal(refused.granted, false);
  near(refused.reserved, 1.8);
  assert.ok(!kept.reservations.has("c"));
});

test("a limit reached exactly refuses further reservations, and a limit of 0 refuses all", () => {
  assert.equal(
    stateAfter([
      [reserve, { id: "a", usd: 1 }],
      [reserve, { id: "b", usd: 0 }],
    ])[1].granted,
    false,
  );
  assert.equal(stateAfter([[reserve, { id: "a", usd: 0, limit: 0 }]])[1].granted, false);
});

test("reserving an id again replaces its estimate", () => {
  const [, answer] = stateAfter([
    [reserve, { id: "a", usd: 0.9 }],
    [reserve, { id: "a", usd: 0.4 }],
  ]);
  assert.deepEqual([answer.granted, answer.reserved], [true, 0.4]);
});

test("a reservation that is never settled is spent once, at its estimate, after 15 minutes", () => {
  const [state] = stateAfter([[reserve, { id: "a", usd: 0.25 }]]);
  const at = (/** @type {number} */ ms) => look(state, { ...common, now: now + ms });
  assert.equal(at(RESERVATION_LIFE).reserved, 0.25);
  assert.deepEqual([at(RESERVATION_LIFE + 1).spent, at(RESERVATION_LIFE + 1).reserved], [0.25, 0]);
  const late = { id: "a", usd: 0.01, now: now + RESERVATION_LIFE + 1 };
  assert.equal(
    stateAfter(
      [
        [settle, late],
        [settle, late],
      ],
      state,
    )[1].spent,
    0.25,
  );
});

test("a new period starts at zero and forgets what was reserved", () => {
  const [state] = stateAfter([
    [reserve, { id: "a", usd: 0.5 }],
    [settle, { id: "a", usd: 0.5 }],
    [reserve, { id: "b", usd: 0.5 }],
  ]);
  const tomorrow = { ...common, now: now + DAY };
  assert.deepEqual(look(state, tomorrow), { spent: 0, reserved: 0, endsAt: Date.UTC(2026, 10, 24) });
  assert.equal(stateAfter([[settle, { ...tomorrow, id: "b", usd: 0.5 }]], state)[1].spent, 0);
});

test("a clock that is behind never brings an earlier period back", () => {
  const midnight = Date.UTC(2026, 10, 23);
  const [state] = stateAfter([[reserve, { id: "a", usd: 0.5, now: midnight }]]);
  const [, answer] = stateAfter([[settle, { id: "a", usd: 0.4, now: midnight - 1 }]], state);
  assert.deepEqual(answer, { spent: 0.4, reserved: 0, endsAt: midnight + DAY });
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
  const good = { id: "a", usd: 0, ...common };
  /** @type {[code: string, field: string, values: unknown[]][]} */
  const cases = [
    ["ledger_amount", "usd", [NaN, Infinity, -0.01, "1", null, undefined]],
    ["ledger_amount", "limit", [NaN, Infinity, -1, undefined]],
    ["ledger_period", "period", ["week", undefined, 7]],
    ["ledger_time", "now", [NaN, -1, Infinity, undefined, "now"]],
    ["ledger_id", "id", ["", 7, undefined, "x".repeat(257)]],
  ];
  for (const [code, field, values] of cases) {
    for (const value of values) {
      assert.throws(
        () => reserve(undefined, { ...good, [field]: value }),
        (error) => error instanceof LedgerError && error.code === code,
        `${field} ${value}`,
      );
    }
  }
  assert.throws(() => pin({ model: "", now }), { code: "ledger_model" });
});

test("in any order of calls, the amount spent is the sum of settled and expired reservations", () => {
  const drawn = seeded(7);
  const random = (/** @type {number} */ below) => Math.floor(drawn() * below);
  /** @type {Budget | undefined} */
  let state;
  let expected = 0;
  const open = new Map();
  let time = now;
  for (let step = 0; step < 2000; step += 1) {
    time += random(1000);
    const id = `r${random(40)}`;
    const usd = random(100) / 1000;
    for (const [old, { at, usd: estimate }] of open) {
      if (time - at > RESERVATION_LIFE) {
        open.delete(old);
        expected += estimate;
      }
    }
    const request = { id, usd, limit: 1e6, period: /** @type {Period} */ ("month"), now: time };
    if (random(3) > 0) {
      [state] = reserve(state, request);
      open.set(id, { usd, at: time });
    } else {
      [state] = settle(state, request);
      if (open.delete(id)) expected += usd;
    }
    const { spent, reserved } = look(state, request);
    near(spent, expected);
    near(
      reserved,
      [...open.values()].reduce((sum, one) => sum + one.usd, 0),
    );
  }
});

test("a pin lives for an hour after its last use", () => {
  const state = pin({ model: "large", now });
  assert.equal(pinned(state, { now: now + PIN_LIFE })[1], "large");
  assert.deepEqual(pinned(state, { now: now + PIN_LIFE + 1 }), [undefined, null]);
  const [used] = pinned(state, { now: now + PIN_LIFE });
  assert.equal(pinned(used, { now: now + 2 * PIN_LIFE })[1], "large");
  assert.deepEqual(pinned(undefined, { now }), [undefined, null]);
});

/** @typedef {[method: string, request?: object]} Call of the ledger */

/** @type {(...call: Call) => Call} */
const call = (...one) => one;

describe("in workerd", () => {
  /** @type {Miniflare} */
  let miniflare;
  before(() => {
    const paths = ["tests/worker/ledger-worker.mjs", "worker/js/ledger.mjs", "worker/js/ledger-state.mjs"];
    miniflare = new Miniflare({
      rootPath: ROOT,
      modulesRoot: ROOT,
      modules: paths.map((path) => ({ type: "ESModule", path: join(ROOT, path) })),
      compatibilityDate: "2026-06-01",
      durableObjects: { LEDGER: { className: "RingableLedger", useSQLite: true } },
    });
  });
  after(() => miniflare.dispose());

  /**
   * Makes all calls of one object at once.
   * @param {string} object
   * @param {Call[]} list
   * @returns {Promise<any[]>} `{value}` or `{error}` for each
   */
  async function calls(object, ...list) {
    const response = await miniflare.dispatchFetch("http://ledger/", {
      method: "POST",
      body: JSON.stringify({ object, calls: list }),
    });
    return /** @type {Promise<any[]>} */ (response.json());
  }

  test("of concurrent reservations at most one exceeds the limit", async () => {
    const requests = Array.from({ length: 60 }, (_, at) => call("reserve", { ...common, id: `r${at}`, usd: 0.125 }));
    const answers = await calls("budget:crowd", ...requests);
    assert.equal(answers.filter(({ value }) => value.granted).length, 8);
    const [{ value }] = await calls("budget:crowd", ["spent", common]);
    near(value.reserved, 1);
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
