// What a host downloads.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { ROOT, bundleFiles } from "../hosts/paths.mjs";
import { ENGINE_BUILDS, PEER_WASM } from "./wasm-files.mjs";

export function wasmBytes() {
  const paths = { ...ENGINE_BUILDS, "onnxruntime-web": PEER_WASM };
  const of = ([name, path]) => [name, sizes([readFileSync(join(ROOT, path))])];
  return Object.fromEntries(Object.entries(paths).map(of));
}

export function bundleBytes(folder) {
  return sizes(Object.values(bundleFiles(folder)));
}

/** Bytes of some files together, and after `gzip -9` of each. */
export function sizes(parts) {
  const total = (lengths) => lengths.reduce((sum, length) => sum + length, 0);
  return {
    raw: total(parts.map((part) => part.length)),
    gzip: total(parts.map((part) => gzipSync(part, { level: 9 }).length)),
  };
}
