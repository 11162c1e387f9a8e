// Keys of the gateway, as worker/new-key.mjs makes them.

import { createHash } from "node:crypto";

/** A key's text and its entry in KEYS. */
export function key(name, fields = {}) {
  const text = `pm-${name}-`.padEnd(46, "x");
  return { text, entry: { name, sha256: createHash("sha256").update(text).digest("hex"), ...fields } };
}

/** Headers that carry it. */
export const bearer = ({ text }) => ({ authorization: `Bearer ${text}` });
