// Contestants take turns: each once a round, nobody always first.

import assert from "node:assert/strict";
import { test } from "node:test";

import { takeTurns } from "./turns.mjs";

/** @param {string} name @param {string[]} order */
function contestant(name, order) {
  return { name, timesItself: true, call: () => order.push(name) };
}

test("every contestant has one time a round, and another one comes first each round", async () => {
  /** @type {string[]} */
  const order = [];
  const those = ["a", "b", "c"].map((name) => contestant(name, order));
  const results = await takeTurns(those, { rounds: 3, seconds: 60, sample: 0 });
  assert.deepEqual(
    results.map(({ name, times }) => [name, times.length]),
    [
      ["a", 3],
      ["b", 3],
      ["c", 3],
    ],
  );
  assert.equal(order.slice(-9).join(""), "abcbcacab");
});

test("there are ten rounds even when the time is up", async () => {
  const results = await takeTurns([contestant("a", [])], { rounds: 40, seconds: 0, sample: 0 });
  assert.equal(results[0].times.length, 10);
});

test("a sample lasts as long as the clock needs, and is a mean", async (context) => {
  let now = 0;
  context.mock.method(performance, "now", () => now);
  const calls = {
    name: "a millisecond each",
    call: () => {
      now += 1;
    },
  };
  const [found] = await takeTurns([calls], { rounds: 2, seconds: 0, sample: 50 });
  assert.equal(found.calls, 64);
  assert.deepEqual(found.times, [1, 1]);
});
