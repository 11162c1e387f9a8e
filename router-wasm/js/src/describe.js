// Words for messages: what a value is, and why something failed.

/**
 * Describes a value in a message: `undefined`, `a number (42)`, `an object of type Array`.
 * @param {unknown} value
 */
export function describe(value) {
  if (value === undefined || value === null) return String(value);
  if (typeof value === "string") return `the string ${JSON.stringify(value.slice(0, 60))}`;
  if (typeof value === "object") return `an object of type ${value.constructor?.name ?? "Object"}`;
  return `a ${typeof value} (${String(value).slice(0, 60)})`;
}

/**
 * The message of what was thrown, which may be of any type and of another realm's classes.
 * @param {unknown} thrown
 * @returns {string}
 */
export function messageOf(thrown) {
  return /** @type {Error | undefined} */ (thrown)?.message ?? String(thrown);
}
