// The page's phrases. That each used one exists in both languages, with the same placeholders, is a matter of
// types: web/src/i18n/phrases.ts.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import en from "../../web/src/i18n/en.js";
import zh from "../../web/src/i18n/zh.js";
import { ROOT } from "../hosts/paths.mjs";

const KEYS = /** @type {(keyof typeof en)[]} */ (Object.keys(en));

test("no phrase is empty, and no Chinese phrase is untranslated English", () => {
  for (const key of KEYS) {
    assert.ok(zh[key].trim() && en[key].trim(), key);
    if (zh[key] === en[key]) assert.ok(["benchmark.head.ours", "benchmark.head.theirs"].includes(key), key);
  }
});

test("every phrase is used", () => {
  const source = join(ROOT, "web/src");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
    (name) => /\.jsx?$/.test(name) && !name.startsWith("i18n"),
  );
  const code = files.map((name) => readFileSync(join(source, name), "utf8")).join("\n");
  /** Literal keys, and the prefixes of computed keys, such as `reason.${name}`. */
  const written = new Set([...code.matchAll(/["']([a-zA-Z]+(?:\.[\w-]+)*)["']/g)].map(([, key]) => key));
  const begun = [...code.matchAll(/`([a-zA-Z]+(?:\.\w+)*\.)\$\{/g)].map(([, beginning]) => beginning);
  for (const key of KEYS) {
    assert.ok(written.has(key) || begun.some((beginning) => key.startsWith(beginning)), key);
  }
});
