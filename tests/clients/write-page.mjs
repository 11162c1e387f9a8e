// Runs the clients and writes docs/CLIENTS.md and the record of the run: `node tests/clients/write-page.mjs`.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { install } from "./install.mjs";
import { CLIENTS, PAGE, RECORD, rewritten, storedRecord } from "./page.mjs";

install();
const folder = mkdtempSync(join(tmpdir(), "pointsman-record-"));
const record = join(folder, "record.jsonl");
const files = ["programs", "libraries"].map((name) => join(import.meta.dirname, `${name}.test.mjs`));
const { status } = spawnSync(process.execPath, ["--test", ...files], {
  stdio: "inherit",
  env: { ...process.env, CLIENTS_RECORD: record },
});
const place = new Map(CLIENTS.map(({ name, protocol }, index) => [`${name} ${protocol}`, index]));
const lines = readFileSync(record, "utf8").trim().split("\n");
const order = (/** @type {string} */ line) => {
  const { name, protocol, streams, api } = JSON.parse(line);
  return `${String(place.get(`${name} ${protocol}`)).padStart(3, "0")} ${api} ${streams}`;
};
writeFileSync(RECORD, `${lines.sort((a, b) => order(a).localeCompare(order(b))).join("\n")}\n`);
writeFileSync(PAGE, rewritten(readFileSync(PAGE, "utf8"), storedRecord()));
rmSync(folder, { recursive: true });
process.exitCode = status ?? 1;
