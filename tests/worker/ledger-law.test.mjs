// The ledger's law, on the Durable Object in workerd: random schedules of calls from several isolates,
// compared after every call with sums over the list of all calls before it.
//
//   SEED=17 SCHEDULES=1 node --test tests/worker/ledger-law.test.mjs    repeats a schedule

/** @import { Period } from "../../worker/js/ledger-state.mjs" */
/** @import { Call } from "./ledger-object.mjs" */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { MEMORY, RESERVATION_LIFE } from "../../worker/js/ledger-state.mjs";
import { startLedger } from "./ledger-object.mjs";
import { seeded } from "./soak.mjs";

const SEED = Number(process.env.SEED ?? 1);
const SCHEDULES = Number(process.env.SCHEDULES ?? 50);
/** Schedules that run at the same time. */
const ABREAST = 20;
/** Batches of concurrent calls in a schedule. */
const BATCHES = 14;
const MINUTE = 60 * 1000;
/** The period's limit in nano-dollars. */
const LIMIT = 1_000_000_000n;

/**
 * A call that changed the ledger. Amounts are nano-dollars; `at` is the ledger's time.
 * @typedef {{what: "reserved" | "raised" | "settled", id: string, amount: bigint, at: number}} Change
 * @typedef {"reserve" | "extend" | "settle" | "spent"} Method
 * @typedef {{id: string, usd: number, least?: number, limit: number, period: Period, now: number}} Sent
 */

/** The state that a list of changes makes, computed from the beginning for every question. */
class Model {
  /** @type {Record<Period, Change[]>} */
  changes = { day: [], month: [] };

  /**
   * The time of a call at `now`, in the ledger's clock, which does not go back.
   * @param {Period} period
   * @param {number} now
   */
  time(period, now) {
    return Math.max(now, ...this.changes[period].map(({ at }) => at));
  }

  /**
   * What became of an id by the time `at`.
   * @param {Period} period
   * @param {string} id
   * @param {number} at
   * @returns {{reserved: bigint, costs: {amount: bigint, at: number}[], end?: "charged" | "settled", endedAt?: number}}
   */
  story(period, id, at) {
    /** @type {{amount: bigint, at: number}[]} */
    const costs = [];
    /** @type {{amount: bigint, since: number} | undefined} */
    let open;
    /** @type {{charged?: bigint, at: number} | undefined} */
    let end;
    const until = (/** @type {number} */ moment) => {
      if (open && moment > open.since + RESERVATION_LIFE) {
        end = { charged: open.amount, at: open.since + RESERVATION_LIFE + 1 };
        costs.push({ amount: open.amount, at: end.at });
        open = undefined;
      }
      if (end && moment > end.at + MEMORY) end = undefined;
    };
    for (const change of this.changes[period].filter((one) => one.id === id)) {
      until(change.at);
      if (change.what === "reserved") open = { amount: change.amount, since: change.at };
      else if (change.what === "raised" && open) open.amount = change.amount;
      else if (open) {
        costs.push({ amount: change.amount, at: change.at });
        open = undefined;
        end = { at: change.at };
      } else {
        const more = change.amount - (end?.charged ?? 0n);
        const samePeriod = end && startOf(period, end.at) === startOf(period, change.at);
        if (more > 0n || samePeriod) costs.push({ amount: more, at: change.at });
        end = { at: change.at };
      }
    }
    until(at);
    const what = end && (end.charged === undefined ? "settled" : "charged");
    return { reserved: open?.amount ?? 0n, costs, end: what, endedAt: end?.at };
  }

  /**
   * The sums in nano-dollars at the time `at`.
   * @param {Period} period
   * @param {number} at
   */
  sums(period, at) {
    const ids = new Set(this.changes[period].map(({ id }) => id));
    let [spent, reserved] = [0n, 0n];
    for (const id of ids) {
      const story = this.story(period, id, at);
      reserved += story.reserved;
      for (const cost of story.costs) if (cost.at >= startOf(period, at)) spent += cost.amount;
    }
    return { spent, reserved };
  }

  /**
   * The answer expected of a call; changes the model as the call changes the ledger.
   * @param {Method} method
   * @param {Sent} sent
   */
  expected(method, { id, usd, least, period, now }) {
    const at = this.time(period, now);
    const { spent, reserved } = this.sums(period, at);
    const { reserved: own, end } = this.story(period, id, at);
    const outstanding = this.isOutstanding(period, id, at);
    const amount = nanos(usd);
    const change = (/** @type {Change["what"]} */ what, /** @type {bigint} */ total) =>
      this.changes[period].push({ what, id, amount: total, at });
    /** @type {{granted: boolean, usd: bigint} | undefined} */
    let granted;
    if (method === "reserve") {
      if (outstanding || end) return { error: "ledger_id_taken" };
      const left = LIMIT - spent - reserved;
      const given = amount < left ? amount : left;
      const enough = least === undefined ? amount : nanos(least);
      granted = left > 0n && given >= enough ? { granted: true, usd: given } : { granted: false, usd: 0n };
      if (granted.granted) change("reserved", given);
    } else if (method === "extend") {
      if (!outstanding) granted = { granted: false, usd: 0n };
      else if (amount <= own) granted = { granted: true, usd: own };
      else if (spent + reserved - own + amount > LIMIT) granted = { granted: false, usd: own };
      else {
        change("raised", amount);
        granted = { granted: true, usd: amount };
      }
    } else if (method === "settle" && end !== "settled") change("settled", amount);
    return { granted, ...this.sums(period, at), endsAt: endOf(period, at) };
  }

  /** @param {Period} period @param {string} id @param {number} at */
  isOutstanding(period, id, at) {
    const last = this.changes[period].findLast((one) => one.id === id && one.what !== "raised");
    return last?.what === "reserved" && at <= last.at + RESERVATION_LIFE;
  }
}

const nanos = (/** @type {number} */ usd) => BigInt(Math.round(usd * 1e9));
const dollars = (/** @type {bigint} */ amount) => Number(amount) / 1e9;

/** @param {Period} period @param {number} at */
function startOf(period, at) {
  const text = new Date(at).toISOString();
  return Date.parse(period === "day" ? `${text.slice(0, 10)}T00:00:00Z` : `${text.slice(0, 7)}-01T00:00:00Z`);
}

/** @param {Period} period @param {number} at */
function endOf(period, at) {
  // 32 days after a month's first day lie in the next month.
  return startOf(period, startOf(period, at) + (period === "day" ? 1 : 32) * 24 * 60 * MINUTE);
}

/**
 * Draws the calls of a schedule, which begins shortly before a month ends.
 * @param {number} seed
 */
function schedule(seed) {
  const random = seeded(seed * 7919 + 1);
  const below = (/** @type {number} */ most) => Math.floor(random() * most);
  const pick = (/** @type {any[]} */ list) => list[below(list.length)];
  // Half of the schedules keep every cost within its reservation, so that the limit holds.
  const bounded = seed % 2 === 0;
  /** @type {Map<string, number>} */
  const asked = new Map();
  const clocks = Array.from({ length: 4 }, () => below(3000) - 1500);
  let time = Date.UTC(2026, 10, 30, 21) + below(4 * 60) * MINUTE;
  let made = 0;
  const usd = () => pick([below(10), below(1000), below(200_000_000), below(500_000_000)]) / 1e9;

  /** @returns {[Method, Sent]} */
  const draw = () => {
    const now = time + pick(clocks) + below(50);
    const period = /** @type {Period} */ (random() < 0.75 ? "day" : "month");
    const common = { limit: 1, period, now };
    const kind = below(100);
    if (kind < 45 || asked.size === 0) {
      // One in ten is an id that was used before.
      const id = asked.size > 0 && below(10) === 0 ? pick([...asked.keys()]) : `${period}-${++made}`;
      const wanted = usd();
      asked.set(id, Math.min(asked.get(id) ?? Infinity, wanted));
      return [
        "reserve",
        { ...common, id, usd: wanted, ...(below(2) ? { least: (wanted * 1e9 - below(wanted * 1e9)) / 1e9 } : {}) },
      ];
    }
    // A call's isolate knows the period of its reservation; a few ids are of the other one, so unknown.
    const known = pick([...asked.keys()]);
    const own = /** @type {Period} */ (known.split("-")[0]);
    const sent = { ...common, id: known, period: bounded || below(10) > 0 ? own : period };
    if (kind < 60) return ["extend", { ...sent, usd: usd() }];
    if (kind < 95 && bounded) return ["settle", { ...sent, usd: 0, now }];
    if (kind < 95)
      return ["settle", below(10) ? { ...sent, usd: usd() } : { ...sent, id: `unknown-${++made}`, usd: usd() }];
    return ["spent", { ...sent, usd: 0 }];
  };
  return {
    bounded,
    /** The next calls that are made at once. */
    batch() {
      time += pick([0, 10, 500, MINUTE, 4 * MINUTE, 11 * MINUTE, RESERVATION_LIFE + MINUTE, below(9) ? 0 : MEMORY]);
      return Array.from({ length: 1 + below(7) }, draw);
    },
    crashes: () => below(12) === 0,
    below,
  };
}

const counts = { granted: 0, inPart: 0, refused: 0, taken: 0, raised: 0, late: 0, crashes: 0 };
let steps = 0;

/**
 * Makes the calls of a schedule and compares each answer with the model.
 * @param {number} seed
 * @param {ReturnType<typeof startLedger>} ledger
 * @param {() => Promise<ReturnType<typeof startLedger>>} [restart] replaces the ledger in the middle of the schedule
 */
async function run(seed, ledger, restart) {
  const drawn = schedule(seed);
  const model = new Model();
  const object = `budget:${seed}`;
  for (let batch = 0; batch < BATCHES; batch += 1) {
    if (restart && batch === BATCHES / 2) ledger = await restart();
    else if (drawn.crashes()) {
      counts.crashes += 1;
      await ledger.calls(object, ["crash"]);
    }
    const sent = drawn.batch().map(([method, request]) => {
      // In a bounded schedule a call costs a part of what it has reserved.
      const most = method === "settle" && drawn.bounded ? reservedFor(model, request) : undefined;
      const usd = most === undefined ? request.usd : dollars((most * BigInt(drawn.below(1001))) / 1000n);
      return /** @type {[Method, Sent]} */ ([method, { ...request, usd }]);
    });
    const calls = sent.map(([method, request]) => /** @type {Call} */ (["numbered", method, request]));
    const answers = (await ledger.calls(object, ...calls)).map(({ value }, index) => ({ ...value, index }));
    answers.sort((one, other) => one.number - other.number);
    for (const { index, value, error } of answers) {
      const [method, request] = sent[index];
      try {
        compare(model, method, request, value, error, drawn.bounded);
      } catch (failure) {
        const call = `SEED=${seed}, batch ${batch}: ${method} ${JSON.stringify(request)}`;
        if (failure instanceof Error) failure.message = `${call}: ${failure.message}`;
        throw failure;
      }
    }
  }
}

/**
 * @param {Model} model
 * @param {Method} method
 * @param {Sent} request
 * @param {unknown} value the ledger's answer
 * @param {string | undefined} error its error
 * @param {boolean} bounded whether no call costs more than its reservation
 */
function compare(model, method, request, value, error, bounded) {
  const before = model.story(request.period, request.id, model.time(request.period, request.now)).end;
  const expected = model.expected(method, request);
  steps += 1;
  if ("error" in expected) {
    counts.taken += 1;
    return assert.equal(error?.split(":")[0], expected.error);
  }
  const { granted, spent, reserved, endsAt } = expected;
  const told = granted && { granted: granted.granted, usd: dollars(granted.usd) };
  assert.deepEqual(value, { ...told, spent: dollars(spent), reserved: dollars(reserved), endsAt });
  if (bounded) assert.ok(spent + reserved <= LIMIT, `spent ${spent} and reserved ${reserved} exceed the limit`);
  if (method === "reserve" && granted) {
    counts[!granted.granted ? "refused" : granted.usd < nanos(request.usd) ? "inPart" : "granted"] += 1;
  }
  if (method === "extend" && granted?.granted) counts.raised += 1;
  if (method === "settle" && before === "charged") counts.late += 1;
}

test("spent and reserved are the sums over all calls, and never exceed the limit", async (t) => {
  const ledger = startLedger();
  t.after(() => ledger.close());
  for (let seed = SEED; seed < SEED + SCHEDULES; seed += ABREAST) {
    const seeds = Array.from({ length: Math.min(ABREAST, SEED + SCHEDULES - seed) }, (_, more) => seed + more);
    await Promise.all(seeds.map((one) => run(one, ledger)));
  }
  t.diagnostic(`${steps} steps: ${JSON.stringify(counts)}`);
  if (SCHEDULES < 50) return;
  for (const [what, count] of Object.entries(counts)) assert.ok(count >= 10, `${count} times ${what}`);
});

test("a restart of workerd in the middle of a schedule changes nothing", async (t) => {
  const persist = await mkdtemp(join(tmpdir(), "ledger-law-"));
  let ledger = startLedger({ persist });
  t.after(async () => {
    await ledger.close();
    await rm(persist, { recursive: true, force: true });
  });
  await run(SEED, ledger, async () => {
    await ledger.close();
    ledger = startLedger({ persist });
    return ledger;
  });
});

/**
 * What an id has reserved, or was charged, in nano-dollars; 0 for an unknown or a forgotten one.
 * @param {Model} model
 * @param {Sent} sent
 */
function reservedFor(model, { period, id, now }) {
  const last = model.changes[period].findLast((one) => one.id === id && one.what !== "settled");
  return last && now - last.at < MEMORY ? last.amount : 0n;
}
