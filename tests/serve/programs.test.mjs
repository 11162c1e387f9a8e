// The real Claude Code and Codex, started by `pointsman claude` and `pointsman codex` from packed packages, against a
// stand-in that refuses what the real API refuses.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { environmentOf, install, programsFolder } from "../clients/install.mjs";
import { fileWith, said, told } from "../clients/orders.mjs";
import { PROGRAMS } from "../clients/programs.mjs";
import { provider } from "../clients/provider.mjs";
import { finished, place, twoModels, workerdsOf } from "./serving.mjs";

const inCi = ![undefined, "", "false"].includes(process.env.CI);
const found = inCi ? install() : programsFolder();
const skip = existsSync(found) ? false : "the programs are not installed: run `node tests/clients/install.mjs`";
const WORD = "quartz";

for (const command of ["claude", "codex"]) {
  const program = PROGRAMS.find((one) => one.command === command);
  if (!program) throw new Error(`tests/clients has no ${command}`);
  test(`${program.name} answers and calls a tool`, { skip }, async (t) => {
    const there = await provider();
    t.after(() => there.close());
    const api = program.over.includes("anthropic") ? "anthropic" : "openai";
    const fields = `api = "${api}"\ncontextWindow = 200000`;
    const local = '[local]\nbudget = { usd = 100.0, period = "day" }\n[gateway.aliases]\n"claude-*" = "auto"\n';
    const folder = await place(`${twoModels(there.url, "", fields)}${local}`);
    const notes = join(folder, "notes.txt");
    await writeFile(notes, fileWith(WORD));
    const { PATH, PYTHONPATH } = environmentOf(found);
    const env = { PATH, PYTHONPATH, LANG: "C.UTF-8", NO_COLOR: "1", ...program.quiet };
    const cases = { "SAY apple": said("apple"), [`READ ${notes}`]: told(WORD) };
    for (const [prompt, answer] of Object.entries(cases)) {
      const { code, out, err } = await finished(folder, [command, ...program.ask(prompt, false)], { env });
      assert.deepEqual(there.faults, []);
      assert.ok(out.includes(answer), `"${answer}" is not in: ${out}\n${err}`);
      assert.equal(code, 0, err);
      assert.match(err, /\d+ requests?, \$0\.\d+, saved -?\$\d/);
    }
    const decisions = await readFile(join(folder, ".pointsman/decisions.txt"), "utf8");
    assert.match(decisions, /(messages|responses) {2}(small|large) {2}\w+_threshold/);
    assert.deepEqual(await workerdsOf(folder), []);
  });
}
