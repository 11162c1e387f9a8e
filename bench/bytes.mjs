// What a host downloads.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { bundleFiles, ROOT } from "../tests/hosts/paths.mjs";
import { ENGINE_BUILDS, PEER_WASM } from "./wasm-files.mjs";

/** @typedef {{raw: number, gzip: number}} Sizes in bytes */

/** @returns {Record<string, Sizes>} by engine */
export function wasmBytes() {
  const paths = { ...ENGINE_BUILDS, "onnxruntime-web": PEER_WASM };
  return Object.fromEntries(
    Object.entries(paths).map(([name, path]) => [name, sizes([readFileSync(join(ROOT, path))])]),
  );
}

/** @param {string} folder */
export function bundleBytes(folder) {
  return sizes(Object.values(bundleFiles(folder)));
}

/**
 * Bytes of some files together, and after `gzip -9` of each.
 * @param {Uint8Array[]} parts
 * @returns {Sizes}
 */
export function sizes(parts) {
  return {
    raw: total(parts.map((part) => part.length)),
    gzip: total(parts.map((part) => gzipSync(part, { level: 9 }).length)),
  };
}

/**
 * Bytes of some files together after `brotli -q 11 -w 24` of each, as a static host prepares them: slow.
 * @param {Uint8Array[]} parts
 */
export function brotliSize(parts) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
  return total(parts.map((part) => brotliCompressSync(part, { params }).length));
}

/** @param {number[]} lengths */
function total(lengths) {
  return lengths.reduce((sum, length) => sum + length, 0);
}
