// Renders the stored runs: `node bench/report.mjs [--check]` writes the pages of every folder in bench/runs
// from the JSON in it, or only checks that they are what the JSON says.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { readme, summary } from "./run-pages.mjs";
import { BENCHMARKS, storedRuns } from "./runs.mjs";

/**
 * What each page should hold.
 * @returns {[path: string, text: string][]}
 */
export function rendered(runs = storedRuns()) {
  return runs.flatMap((run) => {
    /** @type {[path: string, text: string][]} */
    const pages = run.reports.map(({ name, report }) => [
      join(run.folder, `${name}.md`),
      BENCHMARKS[name].whole(report),
    ]);
    return [...pages, [join(run.folder, "summary.md"), summary(run)], [join(run.folder, "README.md"), readme(run)]];
  });
}

/** The pages that do not hold what they should. */
export function stale(runs = storedRuns()) {
  const is = (/** @type {string} */ path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined);
  return rendered(runs)
    .filter(([path, text]) => is(path) !== text)
    .map(([path]) => path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
  if (values.check) {
    for (const path of stale()) {
      console.error(`${path} is not what the run's JSON says; run \`cargo xtask bench report\``);
      process.exitCode = 1;
    }
  } else {
    for (const [path, text] of rendered()) writeFileSync(path, text);
  }
}
