// The two pages about a run as a whole: README.md says how it was measured, summary.md has the tables that
// docs/RESULTS.md shows.

/** @import { Run } from "./runs.mjs" */

import { BENCHMARKS } from "./runs.mjs";

/**
 * README.md: of each benchmark the command, what it was made with, and its page.
 * @param {Run} run
 */
export function readme({ name, reports }) {
  return [
    `# Benchmark run ${name}`,
    "",
    "Written by `cargo xtask bench report`. [summary.md](summary.md) has the main tables of every benchmark below.",
    "",
    ...reports.flatMap(({ name: benchmark, report }) => {
      const { title, command, about } = BENCHMARKS[benchmark];
      return [
        `## ${benchmark}`,
        "",
        `${title}: [${benchmark}.md](${benchmark}.md) shows all of [${benchmark}.json](${benchmark}.json).`,
        "",
        "```sh",
        `${command(report)} --save`,
        "```",
        "",
        ...about(report),
        "",
      ];
    }),
  ].join("\n");
}

/**
 * summary.md: a section for each benchmark, headed by its name; the trainer reads sections by these headings.
 * @param {Run} run
 */
export function summary({ name, reports }) {
  return [
    `# Summary of benchmark run ${name}`,
    "",
    "Written by `cargo xtask bench report`. [README.md](README.md) says how it was measured.",
    "",
    ...reports.flatMap(({ name: benchmark, report }) => [`## ${benchmark}`, "", BENCHMARKS[benchmark].brief(report)]),
  ].join("\n");
}
