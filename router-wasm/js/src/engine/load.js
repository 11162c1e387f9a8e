// Loads a bundle into the engine.

import { readBundle } from "../bundle/read.js";
import { unlessAborted } from "../unless-aborted.js";
import { freeHandle, guarded, RouterHandle, startEngine } from "./engine.js";

/** @import { Host } from "../host.js" */
/** @import { BundleBytes, BundleSource } from "../types/bundle.js" */
/** @import { LoadOptions } from "../types/load.js" */

/**
 * @param {BundleSource | Promise<BundleSource> | undefined} source
 * @param {LoadOptions & {cache: number, ownCandidates?: string}} options checked
 * @param {Host} host
 */
export async function loadHandle(source, options, host) {
  const { signal, onProgress, wasm, cache, learnShares, ownCandidates } = options;
  signal?.throwIfAborted();
  const reading = readBundle(source, host, { signal, onProgress, caller: "Router.load()" });
  const parts = Promise.all([reading, reading.then(hashesOf), startEngine(wasm, host, signal)]);
  const [bundle, hashes] = await unlessAborted(parts, signal);
  return guarded(() => {
    const loaded =
      bundle instanceof Uint8Array
        ? RouterHandle.fromTar(bundle)
        : new RouterHandle(Object.keys(bundle), Object.values(bundle), hashes);
    // This takes the handle, also where it fails.
    const handle = ownCandidates === undefined ? loaded : loaded.withCandidates(ownCandidates);
    handle.setCacheCapacity(cache);
    try {
      if (learnShares) handle.learnTraffic(learnShares === true ? undefined : learnShares.state);
    } catch (error) {
      freeHandle(handle);
      throw error;
    }
    return handle;
  });
}

/**
 * SHA-256 of a bundle's files where the host can compute them. A page outside a secure context cannot; the
 * engine then hashes, as it does for an archive.
 * @param {BundleBytes} bundle
 */
async function hashesOf(bundle) {
  const subtle = typeof crypto === "undefined" ? undefined : crypto.subtle;
  if (bundle instanceof Uint8Array || !subtle) return [];
  const hash = async (/** @type {Uint8Array} */ bytes) =>
    new Uint8Array(await subtle.digest("SHA-256", /** @type {BufferSource} */ (bytes)));
  return Promise.all(Object.values(bundle).map(hash));
}
