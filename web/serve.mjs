// Serves the built page on this machine: `node web/serve.mjs [--port N] [--bundle FOLDER]`.
//
// | path | content |
// | --- | --- |
// | / | the page that `vite build` wrote to dist/ |
// | /bundles/default/ | the bundle that the page opens first; with `--bundle` that folder |
//
// `cargo xtask build` makes dist/. Any static host can serve dist/ instead.

/** @import { Stats } from "node:fs" */
/** @import { IncomingMessage, Server, ServerResponse } from "node:http" */
/** @import { AddressInfo } from "node:net" */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HERE = dirname(fileURLToPath(import.meta.url));
const PAGE = join(HERE, "dist");
export const DEFAULT_BUNDLE = resolve(HERE, "../bundles/default");

/** @type {Record<string, string>} */
const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/**
 * @typedef {[prefix: string, folder: string]} Root a path's prefix, ending in "/", with its folder
 * @typedef {{url: URL, close: () => Promise<void>}} Served
 */

/**
 * @param {{bundle?: string, port?: number, base?: string}} options `bundle` is a folder in place of the
 *   default bundle; port 0 for any free one; `base` is the path that the page lies under, beginning and
 *   ending in "/"
 * @returns {Promise<Served>}
 */
export async function startPage({ bundle, port = 0, base = "/" } = {}) {
  await stat(join(PAGE, "index.html")).catch(() => {
    throw new Error("web/dist has no page: run `cargo xtask build` first");
  });
  /** @type {Root[]} */
  const roots = [[base, PAGE]];
  if (bundle) roots.unshift([`${base}bundles/default/`, bundle]);
  const server = await serveFolders(roots, { port });
  return { ...server, url: new URL(base, server.url) };
}

/**
 * Serves folders on this machine.
 *
 * @param {Root[]} roots the first match counts
 * @param {{port?: number, headers?: Record<string, string>}} options headers of every file
 * @returns {Promise<Served>}
 */
export async function serveFolders(roots, { port = 0, headers = {} } = {}) {
  const whole = roots.map(([prefix, folder]) => /** @type {Root} */ ([prefix, resolve(folder)]));
  const server = createServer((request, response) => {
    serve(whole, headers, request, response).catch(() => response.destroy());
  });
  return listening(server, port);
}

/**
 * Listens on this machine only. Closing ends open connections too.
 *
 * @param {Server} server
 * @param {number} [port] 0 for any free one
 * @returns {Promise<Served>}
 */
export async function listening(server, port = 0) {
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(undefined));
  });
  const address = /** @type {AddressInfo} */ (server.address());
  return {
    url: new URL(`http://127.0.0.1:${address.port}/`),
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

/**
 * @param {Root[]} roots
 * @param {Record<string, string>} headers
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 */
async function serve(roots, headers, request, response) {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return response.writeHead(405, { allow: "GET, HEAD" }).end();
  }
  const { url = "/" } = request;
  const path = fileFor(roots, url);
  const info = path === undefined ? undefined : await stat(path).catch(() => undefined);
  if (path === undefined || !info?.isFile()) {
    return response.writeHead(404, { "content-type": "text/plain" }).end("no such file\n");
  }
  const sent = await smallest(path, info, String(request.headers["accept-encoding"] ?? ""));
  const tag = `"${info.mtimeMs.toString(36)}-${info.size.toString(36)}"`;
  const fields = {
    "content-type": TYPES[extname(path)] ?? "application/octet-stream",
    // Names under assets/ carry a hash of the content.
    "cache-control": url.includes("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
    etag: tag,
    vary: "accept-encoding",
    ...headers,
  };
  if (request.headers["if-none-match"] === tag) return response.writeHead(304, fields).end();
  response.writeHead(200, { ...fields, ...sent.fields, "content-length": sent.size });
  if (request.method === "HEAD") return response.end();
  await pipeline(createReadStream(sent.path), response);
}

/**
 * The Brotli file beside `path` where the client accepts it, otherwise the file itself.
 * @param {string} path
 * @param {Stats} info of the file itself
 * @param {string} accepted the header Accept-Encoding
 * @returns {Promise<{path: string, size: number, fields: Record<string, string>}>}
 */
async function smallest(path, info, accepted) {
  const compressed = /\bbr\b/.test(accepted) ? await stat(`${path}.br`).catch(() => undefined) : undefined;
  return compressed
    ? { path: `${path}.br`, size: compressed.size, fields: { "content-encoding": "br" } }
    : { path, size: info.size, fields: {} };
}

/**
 * The file that a request names, or undefined where it is outside every root.
 * @param {Root[]} roots
 * @param {string} target the request's
 */
function fileFor(roots, target) {
  let path;
  try {
    path = decodeURIComponent(new URL(target, "http://page").pathname);
  } catch {
    return undefined;
  }
  const [prefix, root] = roots.find(([prefix]) => path.startsWith(prefix)) ?? [];
  if (prefix === undefined || root === undefined || path.includes("\0")) return undefined;
  const rest = path.slice(prefix.length) || "index.html";
  const file = join(root, rest);
  return file.startsWith(root + sep) ? file : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "8080" },
      bundle: { type: "string" },
    },
  });
  const page = await startPage({ bundle: values.bundle, port: Number(values.port) });
  console.log(`The page is at ${page.url} (Ctrl-C stops it)`);
}
