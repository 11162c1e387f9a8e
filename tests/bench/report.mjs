// Renders stored figures: `node tests/bench/report.mjs [--check]` makes the pages in docs/bench and the
// README's sections from the JSON beside them, or only checks that they are what it says.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { ROOT, readJson } from "../hosts/paths.mjs";
import * as gateway from "./gateway/markdown.mjs";
import * as edge from "./markdown.mjs";
import * as page from "./page/markdown.mjs";
import { refreshed } from "./readme.mjs";

const README = join(ROOT, "README.md");
const REPORTS = { edge, gateway, page };

/** What each file should hold: `[path, text]`. */
export function rendered() {
  let readme = readFileSync(README, "utf8");
  const pages = Object.entries(REPORTS).map(([name, { whole, brief }]) => {
    const report = readJson(join(ROOT, `docs/bench/${name}.json`));
    readme = refreshed(readme, name, brief(report));
    return [join(ROOT, `docs/bench/${name}.md`), whole(report)];
  });
  return [...pages, [README, readme]];
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
      console.error(`${path} is not what its figures say; run \`cargo xtask bench report\``);
      process.exitCode = 1;
    }
  } else {
    for (const [path, text] of rendered()) writeFileSync(path, text);
  }
}
