// Reads a bundle's bytes from any source. The engine checks whether they are a bundle.

import { describe } from "../describe.js";
import { RouterError } from "../error.js";
import { fetched } from "./fetch.js";

/** @import { Host } from "../host.js" */
/** @import { BundleBytes, BundleFile, BundleSource } from "../types/bundle.js" */
/** @import { LoadBundleOptions } from "../types/load.js" */

/** @typedef {LoadBundleOptions & {caller: string}} ReadOptions `caller` is named in messages */

const MANIFEST = "router.json";
/** Protocols whose URLs always name one file. */
const ONE_FILE = ["data:", "blob:"];

/**
 * @param {BundleSource | Promise<BundleSource> | undefined} source undefined for the package's default bundle
 * @param {Host} host
 * @param {ReadOptions} options
 * @returns {Promise<BundleBytes>}
 */
export async function readBundle(source, host, options) {
  const given = source === undefined ? host.bundle() : await source;
  const archive = await bytesOf(given);
  if (archive) return whole(archive, options);
  if (typeof given === "string" || given instanceof URL) return fromUrl(await host.url(given), host, options);
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    const message = `${options.caller} was given ${describe(given)}: expected a URL, the bytes of a .tar, an object of the bundle's files by name, or nothing for the default bundle`;
    throw new RouterError("argument_source", message);
  }
  /** @type {[string, Uint8Array][]} */
  const files = [];
  for (const [name, content] of Object.entries(given)) {
    const bytes = await bytesOf(content);
    if (!bytes) {
      const message = `bundle file "${name}" is ${describe(content)}: expected a Uint8Array, an ArrayBuffer or a Blob`;
      throw new RouterError("argument_source", message);
    }
    files.push([name, bytes]);
  }
  return whole(Object.fromEntries(files), options);
}

/**
 * Reports bytes that the caller passed as loaded.
 * @template {BundleBytes} Bundle
 * @param {Bundle} bundle
 * @param {ReadOptions} options
 */
function whole(bundle, { onProgress }) {
  const parts = bundle instanceof Uint8Array ? [bundle] : Object.values(bundle);
  const loaded = parts.reduce((sum, bytes) => sum + bytes.length, 0);
  onProgress?.({ loaded, total: loaded });
  return bundle;
}

/**
 * @param {URL} url
 * @param {Host} host
 * @param {ReadOptions} options
 * @returns {Promise<BundleBytes>}
 */
async function fromUrl(url, host, { signal, onProgress, map, caller }) {
  let loaded = 0;
  /** @type {(more: number, total?: number) => void} */
  const tell = (more, total) => {
    loaded += more;
    onProgress?.({ loaded, total: total !== undefined && total >= loaded ? total : undefined });
  };
  /** @type {(at: URL, onBytes?: (more: number, total?: number) => void) => Promise<Uint8Array>} */
  const read = async (at, onBytes) => {
    const bytes = await host.read?.(at, signal);
    if (bytes) onBytes?.(bytes.length, bytes.length);
    return bytes ?? fetched(at, signal, onProgress && onBytes);
  };
  if (/\.(tar|bin)$/.test(url.pathname) || ONE_FILE.includes(url.protocol)) return read(url, tell);
  if (!url.pathname.endsWith("/")) {
    const message = `${caller} was given ${url}: expected a folder, ending in "/", or an archive, ending in ".tar" or ".bin"`;
    throw new RouterError("argument_source", message);
  }
  const manifest = await read(new URL(MANIFEST, url));
  const files = listedIn(manifest, map);
  const total = files.reduce((sum, { bytes }) => sum + Number(bytes), manifest.length);
  tell(manifest.length, total);
  const contents = files.map(async ({ name }) => {
    const bytes = await read(new URL(encodeURIComponent(name), url), (more) => tell(more, total));
    return /** @type {const} */ ([name, bytes]);
  });
  return Object.fromEntries([[MANIFEST, manifest], ...(await Promise.all(contents))]);
}

/**
 * The files that router.json lists; none where it cannot be parsed: the engine reports why.
 * @param {Uint8Array} manifest
 * @param {boolean} [withMap]
 * @returns {BundleFile[]}
 */
function listedIn(manifest, withMap) {
  let listed;
  try {
    const { files, map } = JSON.parse(new TextDecoder().decode(manifest));
    listed = withMap && Array.isArray(files) ? [...files, map] : files;
  } catch {
    return [];
  }
  if (!Array.isArray(listed)) return [];
  // A name with a folder in it would be fetched from outside the bundle.
  const isName = (/** @type {unknown} */ name) =>
    typeof name === "string" && /^[^/\\]+$/.test(name) && name !== "." && name !== "..";
  return listed.filter((file) => isName(file?.name));
}

/**
 * @param {unknown} value
 * @returns {Promise<Uint8Array | undefined>}
 */
async function bytesOf(value) {
  if (value instanceof Uint8Array) return value;
  // Compared by tag, not class: a test runner's sandbox has its own ArrayBuffer.
  if (Object.prototype.toString.call(value) === "[object ArrayBuffer]") {
    return new Uint8Array(/** @type {ArrayBuffer} */ (value));
  }
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof Blob) return new Uint8Array(await value.arrayBuffer());
  return undefined;
}
