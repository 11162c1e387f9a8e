// Stored runs: `bench/runs/<date>-<machine>/NAME.json` holds what the benchmark NAME measured on a machine
// on a day.

/** @import { Machine } from "./machine.mjs" */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT, readJson } from "../tests/hosts/paths.mjs";
import * as gateway from "./gateway/markdown.mjs";
import { shortName } from "./machine.mjs";
import * as edge from "./markdown.mjs";
import * as page from "./page/markdown.mjs";

const RUNS = join(ROOT, "bench/runs");

/**
 * What renders a benchmark's report. The report's type is the benchmark's own.
 *
 * @typedef Benchmark
 * @property {string} title
 * @property {(report: any) => string} command
 * @property {(report: any) => string[]} about
 * @property {(report: any) => string} whole
 * @property {(report: any) => string} brief
 */

/** @typedef {"edge" | "gateway" | "page"} BenchmarkName */

/**
 * The benchmarks by name, each with what renders its report.
 * @type {Record<BenchmarkName, Benchmark>}
 */
export const BENCHMARKS = { edge, gateway, page };

/**
 * A folder of bench/runs.
 *
 * @typedef Run
 * @property {string} folder its path
 * @property {string} name
 * @property {{name: BenchmarkName, report: object}[]} reports as they were stored
 */

/**
 * Stores a benchmark's report in its run's folder, in place of an earlier one, and returns its path.
 * @param {BenchmarkName} name
 * @param {{made: string, machine: Machine}} report
 * @param {string} runs the folder of all runs
 */
export function save(name, report, runs = RUNS) {
  const folder = join(runs, `${report.made}-${shortName(report.machine)}`);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.json`);
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
  return path;
}

/**
 * The runs, oldest first.
 * @param {string} runs the folder of all runs
 * @returns {Run[]}
 */
export function storedRuns(runs = RUNS) {
  return readdirSync(runs)
    .sort()
    .map((name) => {
      const folder = join(runs, name);
      const names = /** @type {BenchmarkName[]} */ (Object.keys(BENCHMARKS));
      const stored = names.filter((benchmark) => existsSync(join(folder, `${benchmark}.json`)));
      const reports = stored.map((one) => ({ name: one, report: readJson(join(folder, `${one}.json`)) }));
      return { folder, name, reports };
    });
}
