// Makes an uncompressed tar of files by name.

import { createTar } from "nanotar";

/**
 * @param {Record<string, Uint8Array>} files
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function tar(files) {
  return new Uint8Array(createTar(Object.entries(files).map(([name, data]) => ({ name, data }))));
}
