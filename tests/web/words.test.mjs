// The page's phrases: each exists in both languages and is used.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import en from "../../web/src/i18n/en.js";
import zh from "../../web/src/i18n/zh.js";
import { ROOT } from "../hosts/paths.mjs";

const SOURCE = join(ROOT, "web/src");
const files = readdirSync(SOURCE, { recursive: true }).filter(
  (name) => /\.jsx?$/.test(name) && !name.startsWith("i18n"),
);
const code = files.map((name) => readFileSync(join(SOURCE, name), "utf8")).join("\n");
/** Literal keys, and the prefixes of computed keys, such as `reason.${name}`. */
const written = new Set([...code.matchAll(/["']([a-zA-Z]+(?:\.[\w-]+)*)["']/g)].map(([, key]) => key));
const begun = [...code.matchAll(/`([a-zA-Z]+(?:\.\w+)*\.)\$\{/g)].map(([, beginning]) => beginning);

const placeholders = (phrase) => [...phrase.matchAll(/\{\w+\}/g)].map(String).sort();

test("both languages have the same phrases with the same placeholders", () => {
  assert.deepEqual(Object.keys(zh), Object.keys(en));
  for (const [key, phrase] of Object.entries(en)) assert.deepEqual(placeholders(zh[key]), placeholders(phrase), key);
});

test("no phrase is empty, and no Chinese phrase is untranslated English", () => {
  for (const [key, phrase] of Object.entries(zh)) {
    assert.ok(phrase.trim() && en[key].trim(), key);
    if (phrase === en[key]) assert.ok(["benchmark.head.ours", "benchmark.head.theirs"].includes(key), key);
  }
});

test("every phrase that the code uses exists", () => {
  const asked = [...code.matchAll(/\bt\(\s*"([^"]+)"/g)].map(([, key]) => key);
  assert.ok(asked.length > 50, `${asked.length} found`);
  for (const key of asked) assert.ok(key in en, key);
  for (const beginning of begun)
    assert.ok(
      Object.keys(en).some((key) => key.startsWith(beginning)),
      beginning,
    );
});

test("every phrase is used", () => {
  for (const key of Object.keys(en)) {
    assert.ok(written.has(key) || begun.some((beginning) => key.startsWith(beginning)), key);
  }
});
