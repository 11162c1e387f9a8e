// Stored runs: `bench/runs/<date>-<machine>/NAME.json` holds what the benchmark NAME measured on a machine
// on a day.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT, readJson } from "../tests/hosts/paths.mjs";
import * as gateway from "./gateway/markdown.mjs";
import { shortName } from "./machine.mjs";
import * as edge from "./markdown.mjs";
import * as page from "./page/markdown.mjs";

const RUNS = join(ROOT, "bench/runs");

/** The benchmarks by name, each with what renders its report. */
export const BENCHMARKS = { edge, gateway, page };

/** Stores a benchmark's report in its run's folder, in place of an earlier one, and returns its path. */
export function save(name, report, runs = RUNS) {
  const folder = join(runs, `${report.made}-${shortName(report.machine)}`);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.json`);
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
  return path;
}

/** The runs, oldest first: folder, name, and reports by the benchmark's name. */
export function storedRuns(runs = RUNS) {
  return readdirSync(runs)
    .sort()
    .map((name) => {
      const folder = join(runs, name);
      const stored = Object.keys(BENCHMARKS).filter((benchmark) => existsSync(join(folder, `${benchmark}.json`)));
      const reports = stored.map((benchmark) => [benchmark, readJson(join(folder, `${benchmark}.json`))]);
      return { folder, name, reports: Object.fromEntries(reports) };
    });
}
