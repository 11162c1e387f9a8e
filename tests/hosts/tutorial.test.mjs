// The commands of docs/TUTORIAL.md that are not the trainer's, run as printed on a bundle of the same shape. Those
// of the trainer run in trainer-native/tests/it/tutorial.rs.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { DEFAULT, ROOT } from "./paths.mjs";

const run = promisify(execFile);
const page = await readFile(join(ROOT, "docs/TUTORIAL.md"), "utf8");

const scratch = await mkdtemp(join(tmpdir(), "pointsman-tutorial-"));
after(() => rm(scratch, { recursive: true }));
await cp(DEFAULT, join(scratch, "support/bundle"), { recursive: true });

/**
 * The code blocks of a language.
 * @param {string} language
 */
function blocks(language) {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"))].map(([, code]) => code);
}

test("the npm package's command decides with the bundle", async () => {
  const [command, ...others] = blocks("sh").filter((code) => code.startsWith("npx pointsman "));
  assert.equal(others.length, 0);
  // npx would run it in the folder of the nearest package.json.
  const bin = join(ROOT, "node_modules/.bin/pointsman");
  const { stdout } = await run("bash", ["-c", command.replace("npx pointsman", bin)], { cwd: scratch });
  assert.match(stdout, /^model +(large|small)$/m);
});

test("the Worker's configuration has the line that is to be replaced", async () => {
  const [table] = blocks("toml");
  const worker = await readFile(join(ROOT, "worker/wrangler.toml"), "utf8");
  const [heading, setting] = table.trimEnd().split("\n");
  const [field] = setting.split(" = ");
  assert.match(worker, new RegExp(`^\\${heading.slice(0, -1)}\\]\\n${field} = "\\.\\./bundles/default"$`, "m"));
});
