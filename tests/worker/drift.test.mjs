// `drift`: a figure of the win rates a day, and a warning where they differ from the calibration.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";

import { TINY } from "../hosts/paths.mjs";
import { alone, BUNDLE, everyCandidateAt, refused, WITH_CLOCK } from "./gateway.mjs";
import { files } from "./log-files.mjs";
import { LOG_SECRET } from "./shadowed.mjs";
import { until, upstream } from "./stand-ins.mjs";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const there = await upstream();
after(() => there.close());
const common = {
  upstreams: everyCandidateAt(there),
  buckets: /** @type {("LOG")[]} */ (["LOG"]),
  secrets: { LOG_SECRET },
  ledger: true,
  main: WITH_CLOCK,
};

test("a day's win rates are written once the day is over, and warned of while they differ", async (t) => {
  const worker = await alone(t, { ...common, gateway: { drift: { above: 0.3, least: 5 } } });
  const ask = async () => (await worker.chat()).text();
  // The same request each time: one win rate, which no sample has alone.
  for (let count = 0; count < 8; count++) await ask();
  const later = (/** @type {number} */ ms) => worker.send("POST", `advance?ms=${ms}`, "");
  await later(MINUTE + 1000);
  const warned = await until(
    async () => {
      await ask();
      return (await (await worker.get("healthz")).json()).warnings;
    },
    "a warning",
    30_000,
  );
  assert.deepEqual(warned, ["win_rates_drifted"]);
  assert.ok(worker.log.some((line) => line.includes("win_rates_drifted")));
  assert.deepEqual(await files(worker, "drift/"), [], "the day is not over");
  const today = new Date().toISOString().slice(0, 10);
  await later(DAY);
  await ask();
  await later(MINUTE + 1000);
  await ask();
  const [{ name, text }] = await until(
    async () => {
      const found = await files(worker, "drift/");
      return found.length > 0 && found;
    },
    "the figure",
    30_000,
  );
  const figure = JSON.parse(text ?? "");
  const sha256 = createHash("sha256")
    .update(readFileSync(join(TINY, "router.json")))
    .digest("hex");
  assert.equal(name, `drift/${today}/${sha256.slice(0, 16)}.json`);
  assert.deepEqual([figure.format, figure.day, figure.warning], [1, today, true]);
  assert.deepEqual(figure.bundle, { name: BUNDLE.name, sha256 });
  assert.ok(figure.count >= 8 && figure.win_rates.length === 51 && figure.ks > 0.3);
});

test("without its bindings drift is an error of the configuration", async (t) => {
  const worker = await alone(t, { ...common, ledger: false, gateway: { drift: {} } });
  await refused(worker.chat(), 500, "binding_missing");
});
