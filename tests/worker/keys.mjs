// Makes keys of the gateway in the format of worker/js/new-key.mjs.

import { createHash } from "node:crypto";

/** @typedef {{text: string, entry: {name: string, sha256: string}}} Key */

/**
 * Makes a key and its entry in KEYS.
 * @param {string} name
 * @param {object} fields
 * @returns {Key}
 */
export function key(name, fields = {}) {
  const text = `pm-${name}-`.padEnd(46, "x");
  return { text, entry: { name, sha256: createHash("sha256").update(text).digest("hex"), ...fields } };
}

/** The headers that send a key. */
export const bearer = (/** @type {Key} */ { text }) => ({ authorization: `Bearer ${text}` });
