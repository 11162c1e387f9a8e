/**
 * An error of this package, with a stable `code`. Messages may be reworded, codes never are;
 * types/error.d.ts lists all codes.
 */
export class RouterError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{cause?: unknown}} [options]
   */
  constructor(code, message, options) {
    super(message, options);
    this.name = "RouterError";
    this.code = code;
  }
}

/** Describes a value in a message: `undefined`, `a number (42)`, `an object of type Array`. */
export function describe(value) {
  if (value === undefined || value === null) return String(value);
  if (typeof value === "string") return `the string ${JSON.stringify(value.slice(0, 60))}`;
  if (typeof value === "object") return `an object of type ${value.constructor?.name ?? "Object"}`;
  return `a ${typeof value} (${String(value).slice(0, 60)})`;
}
