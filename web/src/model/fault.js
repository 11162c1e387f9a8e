// Errors that the page shows.

/** @typedef {Error & {code?: string}} Fault an error, with the engine's code where it has one */

/**
 * What was thrown, as an error.
 * @param {unknown} thrown
 * @returns {Fault}
 */
export function faultFrom(thrown) {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
