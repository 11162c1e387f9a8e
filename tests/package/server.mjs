// A server on this machine that sends the files of the installed package, with faults that a test
// chooses.

/** @import { OutgoingHttpHeaders } from "node:http" */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";

import { listening } from "../../web/serve.mjs";

/** @type {Record<string, string>} */
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };
const PAGE = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>A page</title>';

/**
 * @typedef {{status?: number, headers?: OutgoingHttpHeaders, body?: string | Uint8Array}} ServedAnswer
 * @typedef {{answers?: (path: string) => ServedAnswer | undefined, headers?: OutgoingHttpHeaders}} Wrong faults: another
 *   answer for a path; headers of every answer
 */

/**
 * Serves an empty page at `/` and the package at `/package/`.
 * @param {string} folder the package's
 * @param {Wrong} [wrong]
 */
export async function startServer(folder, { answers = () => undefined, headers = {} } = {}) {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://local").pathname;
    const answer = answers(path) ?? (await usual(folder, path));
    response.writeHead(answer.status ?? 200, { ...headers, ...answer.headers }).end(answer.body);
  });
  return listening(server);
}

/** @param {string} folder @param {string} path @returns {Promise<ServedAnswer>} */
async function usual(folder, path) {
  if (path === "/") return { headers: { "content-type": "text/html" }, body: PAGE };
  try {
    const body = await readFile(join(folder, path.replace("/package/", "/")));
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    return { headers: { "content-type": type, "content-length": body.length }, body };
  } catch {
    return { status: 404, headers: { "content-type": "text/plain" }, body: "no such file" };
  }
}

/** The index page that a single-page app's server sends for missing files. */
export const INDEX_PAGE = { headers: { "content-type": "text/html; charset=utf-8" }, body: PAGE };
