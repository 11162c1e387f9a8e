// The entry for Node: bundles also from the file system.

import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { RouterError } from "./lib/error.js";
import { hasRelaxedSimd } from "./lib/relaxed-simd.js";
import { routerFor } from "./lib/router.js";

export { RouterError };

/** The first V8 that makes one instruction of relaxed-simd's byte product (Node 22 has 12). */
const FIRST_FAST_V8 = 13;

export const Router = routerFor({
  cache: 256,
  wasm: () => {
    const name = hasRelaxedSimd() ? "switchyard_router_relaxed_bg.wasm" : "switchyard_router_bg.wasm";
    return readFile(new URL(`./pkg/${name}`, import.meta.url));
  },
  inPairs: Number.parseInt(process.versions.v8, 10) < FIRST_FAST_V8,
  url: async (source) => {
    const isUrl = source instanceof URL || /^(https?|file|data|blob):/i.test(source);
    if (!isUrl) return folderOrFile(pathToFileURL(resolve(source)));
    let url;
    try {
      url = new URL(source);
    } catch (cause) {
      throw new RouterError("argument_source", `"${source}" is no URL`, { cause });
    }
    return url.protocol === "file:" ? folderOrFile(url) : url;
  },
  read: async (url, signal) => {
    if (url.protocol !== "file:") return undefined;
    try {
      return new Uint8Array(await readFile(url, { signal }));
    } catch (cause) {
      signal?.throwIfAborted();
      throw unreadable(url, cause);
    }
  },
});

/** A folder's URL ends in "/", whether or not the caller wrote it so. */
async function folderOrFile(url) {
  try {
    const isFolder = (await stat(url)).isDirectory();
    return isFolder && !url.pathname.endsWith("/") ? new URL(`${url.href}/`) : url;
  } catch (cause) {
    throw unreadable(url, cause);
  }
}

function unreadable(url, cause) {
  const message = `${url.pathname} could not be read: ${cause.code ?? cause.message}. Expected a bundle's folder or .tar`;
  return new RouterError("file_unreadable", message, { cause });
}
