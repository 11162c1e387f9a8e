// Serves the page on this machine: `node web/serve.mjs [--port N] [--bundle FOLDER]`.
//
// | path | is |
// | --- | --- |
// | / | this folder |
// | /pkg/ | the npm package |
// | /bundle/ | a bundle's folder |

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HERE = dirname(fileURLToPath(import.meta.url));
const PACKAGE = resolve(HERE, "../router-wasm/js");
export const DEFAULT_BUNDLE = resolve(HERE, "../bundles/default");

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
};

/**
 * @param {{bundle?: string, port?: number}} options port 0 for any free one
 * @returns {Promise<{url: URL, close: () => Promise<void>}>}
 */
export function startPage({ bundle = DEFAULT_BUNDLE, port = 0 } = {}) {
  const roots = [
    ["/pkg/", PACKAGE],
    ["/bundle/", bundle],
    ["/", HERE],
  ];
  return serveFolders(roots, { port });
}

/**
 * Serves folders on this machine.
 *
 * @param {[string, string][]} roots a path's beginning, ending in "/", and its folder; the first that fits
 * @param {{port?: number, headers?: Record<string, string>}} options headers of every file
 * @returns {Promise<{url: URL, close: () => Promise<void>}>}
 */
export async function serveFolders(roots, { port = 0, headers = {} } = {}) {
  const whole = roots.map(([prefix, folder]) => [prefix, resolve(folder)]);
  const server = createServer((request, response) => {
    serve(whole, headers, request, response).catch(() => response.destroy());
  });
  await new Promise((listening, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", listening);
  });
  return {
    url: new URL(`http://127.0.0.1:${server.address().port}/`),
    close: () => new Promise((closed) => {
      server.close(closed);
      server.closeAllConnections();
    }),
  };
}

async function serve(roots, headers, request, response) {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return response.writeHead(405, { allow: "GET, HEAD" }).end();
  }
  const path = fileFor(roots, request.url);
  const info = path && (await stat(path).catch(() => undefined));
  if (!info?.isFile()) {
    return response.writeHead(404, { "content-type": "text/plain" }).end("no such file\n");
  }
  response.writeHead(200, {
    "content-type": TYPES[extname(path)] ?? "application/octet-stream",
    "content-length": info.size,
    "cache-control": "no-cache",
    ...headers,
  });
  if (request.method === "HEAD") return response.end();
  await pipeline(createReadStream(path), response);
}

/** The file that a request names, or undefined where it names none inside a root. */
function fileFor(roots, target) {
  let path;
  try {
    path = decodeURIComponent(new URL(target, "http://page").pathname);
  } catch {
    return undefined;
  }
  const [prefix, root] = roots.find(([prefix]) => path.startsWith(prefix)) ?? [];
  if (!root || path.includes("\0")) return undefined;
  const rest = path.slice(prefix.length) || "index.html";
  const file = join(root, rest);
  return file.startsWith(root + sep) ? file : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "8080" },
      bundle: { type: "string", default: DEFAULT_BUNDLE },
    },
  });
  const page = await startPage({ bundle: values.bundle, port: Number(values.port) });
  console.log(`The page is at ${page.url} (Ctrl-C stops it)`);
}
