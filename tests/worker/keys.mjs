// Makes keys of the gateway in the format of worker/js/new-key.mjs.

import { createHash } from "node:crypto";

/** Makes a key and its entry in KEYS. */
export function key(name, fields = {}) {
  const text = `pm-${name}-`.padEnd(46, "x");
  return { text, entry: { name, sha256: createHash("sha256").update(text).digest("hex"), ...fields } };
}

/** The headers that send a key. */
export const bearer = ({ text }) => ({ authorization: `Bearer ${text}` });
