// Makes an uncompressed tar of files by name.

import { createTar } from "nanotar";

/** @param {Record<string, Uint8Array>} files */
export function tar(files) {
  return createTar(Object.entries(files).map(([name, data]) => ({ name, data })));
}
