// Opens a bundle: makes its router, and reads the map that the page draws.

/** @import { BundleInfo, BundleSource, LoadBundleOptions } from "pointsman" */
/** @import { Price } from "../model/money.js" */
/** @import { QueryMap } from "../model/projection.js" */
/** @import { OpenedBundle } from "../state.js" */

import { parseTar } from "nanotar";
import { loadBundle, Router } from "pointsman";

import { faultFrom } from "../model/fault.js";
import { withPrices } from "../model/money.js";
import { readMap } from "../model/projection.js";

/** @typedef {Record<string, Uint8Array>} Files a bundle's, by name */

/**
 * @param {BundleSource} source
 * @param {Pick<LoadBundleOptions, "signal" | "onProgress">} [options]
 * @returns {Promise<OpenedBundle>}
 */
export async function openedBundle(source, options) {
  const loading = loadBundle(source, { ...options, map: true });
  // The engine starts beside the download.
  const [bundle, router] = await Promise.all([loading, loadRouter(loading)]);
  const files = bundle instanceof Uint8Array ? filesIn(bundle) : bundle;
  const info = router.info();
  return { files, source: files, router, info, ...(await drawn(files, info)) };
}

/**
 * Makes the bundle's router with the user's own prices.
 * @param {Files} files of a bundle that has opened
 * @param {Record<string, Price>} prices by candidate
 * @returns {Promise<Pick<OpenedBundle, "source" | "router" | "info">>}
 */
export async function pricedBundle(files, prices) {
  const source = Object.keys(prices).length === 0 ? files : { ...files, "router.json": priced(files, prices) };
  const router = await loadRouter(source);
  return { source, router, info: router.info() };
}

/**
 * @param {Files} files
 * @param {Record<string, Price>} prices
 */
function priced(files, prices) {
  const manifest = JSON.parse(new TextDecoder().decode(files["router.json"]));
  return new TextEncoder().encode(JSON.stringify(withPrices(manifest, prices)));
}

/** @param {BundleSource | Promise<BundleSource>} source */
function loadRouter(source) {
  // No cache: the page shows how long routing takes.
  return Router.load(source, { cache: 0 });
}

/**
 * The files of an archive that the engine has read, without their folders.
 * @param {Uint8Array} archive
 * @returns {Files}
 */
function filesIn(archive) {
  const entries = parseTar(archive, { filter: ({ type }) => type === "file" });
  return Object.fromEntries(entries.map(({ name, data }) => [name.replace(/^.*\//, ""), data ?? new Uint8Array()]));
}

/**
 * The bundle's map, or `mapFault` where it cannot be read; the rest of the bundle still works.
 * @param {Files} files
 * @param {BundleInfo} info
 * @returns {Promise<{map?: QueryMap, mapFault?: string}>}
 */
async function drawn(files, info) {
  if (!info.map) return {};
  const bytes = files[info.map.name];
  if (!bytes) return { mapFault: `${info.map.name} is missing among the files` };
  try {
    const digest = await crypto.subtle?.digest("SHA-256", /** @type {BufferSource} */ (bytes));
    if (digest && hexadecimal(digest) !== info.map.sha256) {
      return { mapFault: `${info.map.name} is not the file that router.json names: its SHA-256 differs` };
    }
    return { map: readMap(new TextDecoder().decode(bytes), info.encoder.embedding_size) };
  } catch (error) {
    return { mapFault: faultFrom(error).message };
  }
}

/** @param {ArrayBuffer} digest */
function hexadecimal(digest) {
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
