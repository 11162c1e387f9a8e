// Queries come out at exactly the length asked for, in whole words.

import assert from "node:assert/strict";
import { test } from "node:test";

import { cutter } from "./texts.mjs";

/** A token for every two letters, and two around the text. */
const countTokens = (/** @type {string} */ text) =>
  text.split(" ").reduce((sum, word) => sum + Math.ceil(word.length / 2), 2);

test("a text has exactly the tokens asked for, special ones included", () => {
  const cut = cutter("abcd abcd ab\nabcdef ab ab", countTokens);
  for (const tokens of [4, 5, 6, 7, 8]) assert.equal(countTokens(cut(tokens)), tokens);
  assert.equal(cut(6), "abcd abcd");
});

test("a length that no sequence of words has is an error", () => {
  const cut = cutter("abcd abcd", countTokens);
  assert.throws(() => cut(5), /no run of whole words of 5 tokens/);
  assert.throws(() => cut(100), /100 tokens/);
});
