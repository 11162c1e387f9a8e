// Blocking time, layout shift, and bytes until the page could route.

import assert from "node:assert/strict";
import { test } from "node:test";

import { visitRow } from "./rows.mjs";
import { blockingTime, layoutShift } from "./vitals.mjs";

test("a task blocks for the time that it lasts beyond 50 ms", () => {
  assert.equal(
    blockingTime(
      [
        { at: 100, lasts: 120 },
        { at: 300, lasts: 50 },
        { at: 400, lasts: 60 },
      ],
      0,
      1000,
    ),
    80,
  );
  assert.equal(blockingTime([], 0, 1000), 0);
});

test("of a task that begins before or ends after the interval, only the part inside counts", () => {
  const task = [{ at: 100, lasts: 300 }];
  assert.equal(blockingTime(task, 200, 1000), 150);
  assert.equal(blockingTime(task, 0, 260), 110);
  assert.equal(blockingTime(task, 370, 1000), 0);
  assert.equal(blockingTime(task, 500, 1000), 0);
  // The first paint came after the page could route: there was no interval to block.
  assert.equal(blockingTime(task, 350, 200), 0);
});

test("the layout shift is the worst session's, of shifts less than a second apart", () => {
  assert.equal(layoutShift([]), 0);
  assert.equal(
    layoutShift([
      { at: 0, value: 0.25 },
      { at: 900, value: 0.25 },
      { at: 2000, value: 0.125 },
    ]),
    0.5,
  );
  assert.equal(
    layoutShift([
      { at: 0, value: 0.125 },
      { at: 1000, value: 0.25 },
    ]),
    0.25,
  );
});

test("no session of shifts lasts longer than five seconds", () => {
  const shifts = Array.from({ length: 8 }, (_, at) => ({ at: at * 900, value: 1 }));
  assert.equal(layoutShift(shifts), 6);
});

test("bytes and requests until the page could route are counted apart", () => {
  const seen = {
    origin: 1000,
    fcp: 50,
    lcp: 90,
    shifts: [{ at: 60, value: 0.5 }],
    tasks: [{ at: 40, lasts: 100 }],
    ready: 200,
  };
  const row = visitRow(seen, [
    { bytes: 10, end: 1100 },
    { bytes: 20, end: 1200 },
    { bytes: 40, end: 1201 },
  ]);
  assert.deepEqual(row, {
    fcp: 50,
    lcp: 90,
    cls: 0.5,
    tbt: 40,
    ready: 200,
    bytesUntilReady: 30,
    requestsUntilReady: 2,
    bytes: 70,
    requests: 3,
  });
});
