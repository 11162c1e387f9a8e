// worker/js/new-key.mjs: the key, its entry in KEYS, and refused arguments.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";

import { ROOT } from "../hosts/paths.mjs";

const SCRIPT = join(ROOT, "worker/js/new-key.mjs");

/** @param {string[]} args */
function run(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

/**
 * Runs the script and reads the printed key and entry.
 * @param {string[]} args
 */
function made(...args) {
  const { status, stdout, stderr } = run(...args);
  assert.equal(status, 0, stderr);
  const [key = "", ...others] = stdout.match(/\bpm-[A-Za-z0-9_-]+/g) ?? [];
  assert.deepEqual(others, [], "the key is printed once");
  return { key, entry: JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") };
}

test("the entry has the key's SHA-256, and the key has 32 random bytes", () => {
  const { key, entry } = made("team-a");
  assert.match(key, /^pm-[A-Za-z0-9_-]{43}$/);
  assert.deepEqual(entry, { name: "team-a", sha256: createHash("sha256").update(key).digest("hex") });
  assert.notEqual(made("team-a").key, key);
});

test("the entry has models and budget in the gateway's format", () => {
  const { entry } = made("team-a", "--models", "auto, small,auto", "--usd", "50", "--period", "month");
  assert.deepEqual(entry.models, ["auto", "small"]);
  assert.deepEqual(entry.budget, { usd: 50, period: "month" });
  const { entry: quiet } = made("quiet", "--no-feedback", "--log", "no");
  assert.deepEqual([quiet.feedback, quiet.log], [false, false]);
  assert.deepEqual(Object.keys(made("plain").entry), ["name", "sha256"]);
});

test("names that the gateway may not serve are pointed out", () => {
  assert.match(run("a", "--models", "auto,small-v1").stdout, /Compare small-v1 with GET \/v1\/models/);
  for (const models of ["auto", "auto,router-mf-0.5"]) {
    assert.doesNotMatch(run("a", "--models", models).stdout, /Compare/);
  }
});

test("each bad argument has its own message, exit code 2 and no key", () => {
  /** @type {[args: string[], message: RegExp][]} */
  const cases = [
    [[], /NAME is missing/],
    [["two", "names"], /one NAME is expected, found two names/],
    [["a b"], /NAME is "a b"/],
    [["../x"], /NAME is/],
    [[".."], /NAME is/],
    [["open"], /callers without a key/],
    [["a", "--log", "maybe"], /--log is "maybe"/],
    [["a", "--models", "Auto"], /write auto in lower case/],
    [["a", "--models", "AUTO:share:0.5"], /write auto in lower case/],
    [["a", "--models", "Router-mf-0.5"], /write router- in lower case/],
    [["a", "--models", "a\nb"], /printable ASCII/],
    [["a", "--usd", "50"], /--usd and --period go together/],
    [["a", "--period", "day"], /--usd and --period go together/],
    [["a", "--usd", "0", "--period", "day"], /--usd is "0": expected a number above 0/],
    [["a", "--usd", "much", "--period", "day"], /--usd is "much"/],
    [["a", "--usd", "", "--period", "day"], /--usd is ""/],
    [["a", "--usd", "5", "--period", "week"], /--period is "week": expected day or month/],
    [["a", "--models", "x,,y"], /--models is "x,,y"/],
    [["a", "--colour", "red"], /--colour/],
  ];
  for (const [args, message] of cases) {
    const { status, stdout, stderr } = run(...args);
    assert.equal(status, 2, args.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, message);
    assert.match(stderr, /usage: new-key\.mjs/);
  }
});

test("--help prints the usage and makes no key", () => {
  const { status, stdout } = run("--help");
  assert.equal(status, 0);
  assert.match(stdout, /usage: new-key\.mjs NAME/);
  assert.doesNotMatch(stdout, /pm-[A-Za-z0-9_-]{43}/);
});
