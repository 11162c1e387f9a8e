// Checks the package's errors, and lets a test do what the package's types forbid.

/** @import { RouterErrorCode } from "pointsman" */

import assert from "node:assert/strict";

import { RouterError } from "pointsman";

/**
 * Asserts that an error is one of the package, with this code and a message like `part`; for `assert.throws` and
 * `assert.rejects`.
 * @type {(code: RouterErrorCode, part?: RegExp) => (error: unknown) => true}
 */
export const withCode = (code, part) => (error) => {
  assert.ok(error instanceof RouterError, String(error));
  assert.equal(error.name, "RouterError");
  assert.equal(error.code, code, error.message);
  assert.ok(error.message.length > 10, error.message);
  if (part) assert.match(error.message, part);
  return true;
};

/**
 * Asserts that a call is refused, at once or by its promise.
 * @type {(call: (() => unknown) | Promise<unknown>, code: RouterErrorCode, part?: RegExp) => Promise<void>}
 */
export const refused = (call, code, part) =>
  assert.rejects(async () => (typeof call === "function" ? call() : call), withCode(code, part));

/**
 * The value without its type, as a JavaScript caller may pass it.
 * @type {(value: unknown) => any}
 */
export const untyped = (value) => value;
