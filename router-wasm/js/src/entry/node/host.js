// Finds the package's files and reads paths in Node and Deno.

import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

import { messageOf } from "../../describe.js";
import { RouterError } from "../../error.js";
import { packageFiles } from "../package-files.js";

/** @import { Host } from "../../host.js" */

/** The first V8 that compiles relaxed-simd's byte product to one instruction (Node 22 has V8 12). */
const FIRST_FAST_V8 = 13;

/** @type {Host} */
export const node = {
  ...packageFiles,
  cache: 256,
  inPairs: Number.parseInt(process.versions.v8, 10) < FIRST_FAST_V8,
  url: async (source) => {
    const isUrl = source instanceof URL || /^(https?|file|data|blob):/i.test(source);
    if (!isUrl) return folderOrFile(pathToFileURL(resolve(source)));
    let url;
    try {
      url = new URL(source);
    } catch (cause) {
      throw new RouterError("argument_source", `"${source}" is not a valid URL`, { cause });
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
};

/**
 * The URL of a folder, with "/" at its end, or of a file.
 * @param {URL} url
 */
async function folderOrFile(url) {
  try {
    const isFolder = (await stat(url)).isDirectory();
    return isFolder && !url.pathname.endsWith("/") ? new URL(`${url.href}/`) : url;
  } catch (cause) {
    throw unreadable(url, cause);
  }
}

/**
 * @param {URL} url
 * @param {unknown} cause
 */
function unreadable(url, cause) {
  const why = /** @type {NodeJS.ErrnoException} */ (cause).code ?? messageOf(cause);
  const message = `${url.pathname} could not be read: ${why}. Expected a bundle's folder, .tar or .bin`;
  return new RouterError("file_unreadable", message, { cause });
}
