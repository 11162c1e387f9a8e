// Renders stored figures: `node tests/bench/report.mjs [--check]` makes docs/bench/edge.md and the
// README's section from docs/bench/edge.json, or only checks that they are what it says.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { ROOT, readJson } from "../hosts/paths.mjs";
import { brief, whole } from "./markdown.mjs";
import { refreshed } from "./readme.mjs";

export const STORED = join(ROOT, "docs/bench/edge.json");
const PAGE = join(ROOT, "docs/bench/edge.md");
const README = join(ROOT, "README.md");

/** What each file should hold: `[path, text]`. */
export function rendered() {
  const report = readJson(STORED);
  const readme = refreshed(readFileSync(README, "utf8"), brief(report));
  return [[PAGE, whole(report)], [README, readme]];
}

/** The files that do not hold what they should. */
export function stale() {
  const is = (path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined);
  return rendered().filter(([path, text]) => is(path) !== text).map(([path]) => path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
  if (values.check) {
    for (const path of stale()) {
      console.error(`${path} is not what ${STORED} says; run \`cargo xtask bench report\``);
      process.exitCode = 1;
    }
  } else {
    for (const [path, text] of rendered()) writeFileSync(path, text);
  }
}
