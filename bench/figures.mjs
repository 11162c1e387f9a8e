// How figures are written.

/** @import { Quartiles } from "./statistics.mjs" */

/**
 * Milliseconds, to three digits.
 * @param {number} value
 */
export function ms(value) {
  return value.toPrecision(3).includes("e") ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/**
 * Megabytes of bytes.
 * @param {number} bytes
 */
export function mb(bytes) {
  return (bytes / 1e6).toFixed(2);
}

/** @param {number | undefined} value */
export function times(value) {
  return value === undefined ? "–" : value.toFixed(2);
}

/**
 * A ratio's median with its quartiles.
 * @param {Quartiles | undefined} found
 */
export function spread(found) {
  return found ? `${times(found.median)} [${times(found.low)}, ${times(found.high)}]` : "–";
}
