// The README's examples, in English and in Chinese, run as printed: JavaScript in Node, the curl command
// against the Worker with the default bundle.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { gateway } from "../worker/gateway.mjs";
import { openai } from "../worker/openai-stand-in.mjs";
import { upstream } from "../worker/stand-ins.mjs";
import { DEFAULT, ROOT, readJson } from "./paths.mjs";

const run = promisify(execFile);

// Below `tests`, where Node finds the package.
const scratch = await mkdtemp(join(ROOT, "tests/.readme-"));
const there = await upstream();
/** @type {import("pointsman").BundleInfo} */
const { candidates } = readJson(join(DEFAULT, "router.json"));
const upstreams = Object.fromEntries(candidates.map(({ id }) => [id, { baseUrl: there.url, model: id }]));
const worker = await gateway({ bundle: DEFAULT, upstreams });
after(async () => {
  await worker.close();
  await there.close();
  await rm(scratch, { recursive: true });
});

/**
 * The one code block of a language.
 * @param {string} text
 * @param {string} language
 */
function block(text, language) {
  const found = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"))].map(([, code]) => code);
  const wanted = language === "sh" ? found.filter((code) => code.startsWith("curl")) : found;
  assert.equal(wanted.length, 1, `${wanted.length} blocks of ${language}`);
  return wanted[0];
}

for (const name of ["README.md", "README.zh.md"]) {
  const text = await readFile(join(ROOT, name), "utf8");

  test(`${name}: the JavaScript prints what its comments say`, async () => {
    const code = block(text, "js");
    const expected = [...code.matchAll(/^console\.log\(.*\); \/\/ (.+)$/gm)].map(([, comment]) => comment);
    assert.ok(expected.length >= 2, code);
    const file = join(scratch, "example.mjs");
    await writeFile(file, code);
    const { stdout } = await run(process.execPath, [file]);
    assert.deepEqual(stdout.trimEnd().split("\n"), expected);
  });

  test(`${name}: the Worker answers the curl command with the headers that stand below it`, async () => {
    const command = block(text, "sh");
    const [, path] = command.match(/http:\/\/127\.0\.0\.1:8787\/(\S+)/) ?? [];
    const [, body] = command.match(/-d '([^']+)'/) ?? [];
    there.does(openai());
    const response = await worker.post(path, body, { "content-type": "application/json" });
    assert.equal(response.status, 200, await response.clone().text());
    const stated = block(text, "text")
      .trimEnd()
      .split("\n")
      .map((/** @type {string} */ line) => line.split(": "));
    assert.ok(stated.length >= 2);
    for (const [header, value] of stated) assert.equal(response.headers.get(header), value, header);
  });
}
