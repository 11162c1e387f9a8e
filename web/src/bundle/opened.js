// Opens a bundle: makes its router, and reads the map that the page draws.

import { Router } from "pointsman";

import { withPrices } from "../model/money.js";
import { readMap } from "../model/projection.js";

/** @param {Record<string, Uint8Array>} files */
export async function openedBundle(files) {
  const opened = await routing(files);
  return { files, ...opened, ...(await drawn(files, opened.info)) };
}

/**
 * Makes the bundle's router with the user's own prices.
 * @param {Record<string, Uint8Array>} files of a bundle that has opened
 * @param {Record<string, {input?: number, output?: number}>} prices by candidate
 */
export async function pricedBundle(files, prices) {
  if (Object.keys(prices).length === 0) return routing(files);
  const manifest = JSON.parse(new TextDecoder().decode(files["router.json"]));
  const changed = new TextEncoder().encode(JSON.stringify(withPrices(manifest, prices)));
  return routing({ ...files, "router.json": changed });
}

async function routing(source) {
  // No cache: the page shows how long routing takes.
  const router = await Router.load(source, { cache: 0 });
  return { source, router, info: router.info() };
}

/** The bundle's map, or `mapFault` where it cannot be read; the rest of the bundle still works. */
async function drawn(files, info) {
  if (!info.map) return {};
  const bytes = files[info.map.name];
  if (!bytes) return { mapFault: `${info.map.name} is missing among the files` };
  try {
    const digest = await crypto.subtle?.digest("SHA-256", bytes);
    if (digest && hexadecimal(digest) !== info.map.sha256) {
      return { mapFault: `${info.map.name} is not the file that router.json names: its SHA-256 differs` };
    }
    return { map: readMap(new TextDecoder().decode(bytes), info.encoder.embedding_size) };
  } catch (error) {
    return { mapFault: error.message };
  }
}

function hexadecimal(digest) {
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
