// The contents of the tarball, and the checks of publint and are-the-types-wrong.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { engineVersion, initSync } from "../../router-wasm/js/pkg/pointsman.js";
import { VERSION } from "../../router-wasm/js/src/version.js";

import { ROOT, readJson } from "../hosts/paths.mjs";
import { PACKAGE, packed, program, run } from "./packed.mjs";

const manifest = readJson(join(PACKAGE, "package.json"));
/** @type {(value: string | object) => string[]} */
const targets = (value) => (typeof value === "string" ? [value] : Object.values(value).flatMap(targets));

test("publint finds no fault", async () => {
  const { messages } = await publint({ pkgDir: PACKAGE, strict: true });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, manifest)),
    [],
  );
});

test("the types are right for every entry, as are-the-types-wrong resolves them", async () => {
  const { path } = await packed();
  await run(program("attw"), [path, "--profile", "esm-only", "--no-emoji"]);
});

test("the tarball has every file that an entry names and the licences, and no tests", async () => {
  const { files } = await packed();
  const names = files.map(({ path }) => path);
  for (const name of targets([manifest.exports, manifest.bin]))
    assert.ok(names.includes(name.replace(/^\.\//, "")), name);
  for (const name of ["LICENSE-MIT", "LICENSE-APACHE", "README.md"]) assert.ok(names.includes(name), name);
  const others = names.filter((name) => !/^(src|types|pkg)\/[\w/-]+\.(js|d\.ts|wasm|bin)$/.test(name));
  assert.deepEqual(others.sort(), ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json"]);
});

test("every local import of the tarball is in the tarball", async () => {
  const { files } = await packed();
  const names = files.map(({ path }) => path);
  for (const name of names.filter((name) => /\.(js|d\.ts)$/.test(name))) {
    // A comment imports types, which are declared elsewhere.
    const code = readFileSync(join(PACKAGE, name), "utf8").replaceAll(/\/\*\*.*?\*\//gs, "");
    for (const [, target] of code.matchAll(/(?:from|import|new URL\()\s*"(\.{1,2}\/[^"]+)"/g)) {
      const found = new URL(target, `file:///${name}`).pathname.slice(1);
      const typed = found.replace(/\.js$/, ".d.ts");
      assert.ok(
        names.includes(found) || (name.endsWith(".d.ts") && names.includes(typed)),
        `${name} imports ${target}`,
      );
    }
  }
});

test("the entries of every runtime export the same names", () => {
  for (const entry of ["index", "worker"]) {
    const [browser, ...others] = ["browser", "node", "workerd"].map((runtime) => {
      const text = readFileSync(join(PACKAGE, `types/entry/${runtime}/${entry}.d.ts`), "utf8");
      return text.split("\n").filter((line) => line.startsWith("export"));
    });
    assert.ok(browser.length >= 2, browser.join());
    for (const other of others) assert.deepEqual(other, browser, entry);
  }
});

test("no script contains binary data as text", async () => {
  const { files } = await packed();
  for (const { path } of files.filter(({ path }) => path.endsWith(".js"))) {
    const text = readFileSync(join(PACKAGE, path), "utf8");
    assert.doesNotMatch(text, /[A-Za-z0-9+/]{200}/, path);
  }
});

test("package, JavaScript and wasm have the workspace's version", () => {
  const manifests = readFileSync(join(ROOT, "Cargo.toml"), "utf8");
  const [, workspace] = /\[workspace\.package\]\nversion = "([^"]+)"/.exec(manifests) ?? [];
  initSync({ module: readFileSync(join(PACKAGE, "pkg/pointsman_bg.wasm")) });
  assert.equal(engineVersion(), workspace);
  assert.equal(VERSION, workspace);
  assert.equal(manifest.version, workspace);
});

test("the licences are the repository's", () => {
  for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) {
    assert.equal(readFileSync(join(PACKAGE, name), "utf8"), readFileSync(join(ROOT, name), "utf8"), name);
  }
});

test("the archive of the default bundle has the files of bundles/default", async () => {
  const { Router } = await import("pointsman");
  const [archived, folder] = await Promise.all([Router.load(), Router.load(join(ROOT, "bundles/default"))]);
  assert.deepEqual(archived.info(), folder.info());
});
