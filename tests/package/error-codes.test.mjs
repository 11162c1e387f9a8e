// The type `RouterErrorCode`, with its documentation, and the README list exactly the codes that the
// package and the engine can throw.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
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
    readdirSync(join(PACKAGE, folder))
      .filter((name) => name.endsWith(".js"))
      .map((name) => read(PACKAGE, folder, name)),
  );
  const constructed = /RouterError\(\s*"(\w+)"|code: "(\w+)"/g;
  const own = scripts.flatMap((text) => [...text.matchAll(constructed)].map(([, code, plain]) => code ?? plain));
  return { engine, own };
}

test("the type lists exactly the codes that are thrown", () => {
  const { engine, own } = thrown();
  assert.ok(engine.length >= 20, "the engine's codes are found");
  assert.ok(own.length >= 15, "the package's codes are found");
  assert.deepEqual([...union].sort(), [...new Set([...engine, ...own])].sort());
});

test("every RouterError is constructed with a literal code, which this test can find", () => {
  for (const name of readdirSync(join(PACKAGE, "lib"))) {
    const text = read(PACKAGE, "lib", name);
    for (const [call, first] of text.matchAll(/new RouterError\(\s*([^,\s]+)/g)) {
      assert.ok(first.startsWith('"') || ["code", "thrown.code"].includes(first), `${name}: ${call}`);
    }
  }
});

test("every code has a comment in the type and a row in the README", () => {
  const [documentation] = types.split("export type");
  const readme = read(PACKAGE, "README.md");
  for (const code of union) {
    assert.match(documentation, new RegExp(`\`${code}\``), code);
    assert.match(readme, new RegExp(`\`${code}\``), code);
  }
});
