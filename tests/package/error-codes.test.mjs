// The codes that the package and the engine throw are those of the type `RouterErrorCode` and of the README.
// That every RouterError of the package has a code of the type is checked by TypeScript.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { packageModules, ROOT } from "../hosts/paths.mjs";
import { PACKAGE } from "./packed.mjs";
import { BUNDLER, checked } from "./type-check.mjs";

const read = (/** @type {string[]} */ ...path) => readFileSync(join(...path), "utf8");

/** The codes in the first column of the README's table of errors. */
const explained = read(PACKAGE, "README.md")
  .split("## Errors")[1]
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .flatMap((line) => [...line.split("|")[1].matchAll(/`(\w+)`/g)].map(([, code]) => code));
const engine = [...read(ROOT, "router-wasm/src/error.rs").matchAll(/=> "(\w+)"/g)].map(([, code]) => code);

const typeChecked = (/** @type {string} */ declaration) =>
  checked(`import type { RouterErrorCode } from "pointsman"; export ${declaration};`, {
    ...BUNDLER,
    lib: ["es2022", "dom"],
  });

test("the README's table has a row for exactly the codes of the type", async () => {
  const rows = Object.fromEntries(explained.map((code) => [code, 1]));
  await typeChecked(`const explained: Record<RouterErrorCode, 1> = ${JSON.stringify(rows)}`);
});

test("every code of the engine is one of the type", async () => {
  assert.ok(engine.length >= 20, "the engine's codes are found");
  await typeChecked(`const engine: RouterErrorCode[] = ${JSON.stringify(engine)}`);
});

test("every code is thrown by the engine or the package, and the type's comment explains it", () => {
  const scripts = packageModules().map((path) => read(ROOT, path));
  const comment = read(PACKAGE, "types/types/error-code.d.ts").split("export type")[0];
  for (const code of explained) {
    assert.ok(engine.includes(code) || scripts.some((text) => text.includes(`"${code}"`)), code);
    assert.ok(comment.includes(`\`${code}\``), code);
  }
});
