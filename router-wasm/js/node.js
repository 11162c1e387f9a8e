// The entry for Node: bundles also from the file system.

import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { RouterError } from "./lib/error.js";
import { routerFor } from "./lib/router.js";

export { RouterError };

export const Router = routerFor({
  wasm: () => readFile(new URL("./pkg/switchyard_router_bg.wasm", import.meta.url)),
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
