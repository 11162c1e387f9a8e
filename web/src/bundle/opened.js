// A bundle ready to route: the engine on its files, and what the page draws of it.

import { Router } from "switchyard-router";

import { withPrices } from "../model/money.js";
import { readMap } from "../model/projection.js";

/**
 * @param {Record<string, Uint8Array>} files
 * @param {Record<string, {input?: number, output?: number}>} prices the reader's own, by candidate
 */
export async function openedBundle(files, prices = {}) {
  const source = priced(files, prices);
  // Route times are shown: an answer remembered would cost nothing, and show nothing.
  const router = await Router.load(source, { cache: 0 });
  const info = router.info();
  return { files, source, router, info, ...(await drawn(files, info)) };
}

/** The same files with the reader's prices; the map stays out, which no host needs. */
function priced(files, prices) {
  const { [mapName(files)]: _, ...source } = files;
  if (Object.keys(prices).length === 0) return source;
  const manifest = JSON.parse(new TextDecoder().decode(files["router.json"]));
  const changed = new TextEncoder().encode(JSON.stringify(withPrices(manifest, prices)));
  return { ...source, "router.json": changed };
}

function mapName(files) {
  try {
    return JSON.parse(new TextDecoder().decode(files["router.json"])).map?.name ?? "";
  } catch {
    return "";
  }
}

/** The bundle's map; one that cannot be read is said, and takes nothing else with it. */
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
