// Every code that the package or the engine can throw is in the type `RouterErrorCode`, with a word on
// it, and in the README; no other is.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { ROOT } from "../hosts/paths.mjs";
import { PACKAGE } from "./packed.mjs";

const read = (...path) => readFileSync(join(...path), "utf8");
const types = read(PACKAGE, "types/error.d.ts");
const union = [...types.matchAll(/^ {2}\| "(\w+)"/gm)].map(([, code]) => code);

function thrown() {
  const engine = [...read(ROOT, "router-wasm/src/error.rs").matchAll(/=> "(\w+)"/g)].map(([, code]) => code);
  const scripts = ["", "lib"].flatMap((folder) =>
    readdirSync(join(PACKAGE, folder)).filter((name) => name.endsWith(".js")).map((name) => read(PACKAGE, folder, name)));
  const constructed = /RouterError\(\s*"(\w+)"|code: "(\w+)"/g;
  const own = scripts.flatMap((text) => [...text.matchAll(constructed)].map(([, code, plain]) => code ?? plain));
  return { engine, own };
}

test("the type lists what is thrown, and nothing else", () => {
  const { engine, own } = thrown();
  assert.ok(engine.length >= 20, "the engine's codes are found");
  assert.ok(own.length >= 15, "the package's codes are found");
  assert.deepEqual([...union].sort(), [...new Set([...engine, ...own])].sort());
});

test("no construction hides its code from this test", () => {
  for (const name of readdirSync(join(PACKAGE, "lib"))) {
    const text = read(PACKAGE, "lib", name);
    for (const [call, first] of text.matchAll(/new RouterError\(\s*([^,\s]+)/g)) {
      assert.ok(first.startsWith('"') || ["code", "thrown.code"].includes(first), `${name}: ${call}`);
    }
  }
});

test("every code has a word of documentation beside the type, and a row in the README", () => {
  const [documentation] = types.split("export type");
  const readme = read(PACKAGE, "README.md");
  for (const code of union) {
    assert.match(documentation, new RegExp(`\`${code}\``), code);
    assert.match(readme, new RegExp(`\`${code}\``), code);
  }
});
