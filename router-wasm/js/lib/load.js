// Loads a bundle into the engine.

import { guarded, RouterHandle, startEngine } from "./engine.js";
import { bundleBytes } from "./source.js";
import { unlessAborted } from "./unless-aborted.js";

/**
 * @param source what `load` was given
 * @param options the checked options of `load`
 * @param host as `routerFor` takes it
 * @returns {Promise<RouterHandle>}
 */
export async function loadHandle(source, { signal, onProgress, wasm, cache }, host) {
  signal?.throwIfAborted();
  const parts = Promise.all([
    bundleBytes(source, host, { signal, onProgress }).then(hashed),
    startEngine(wasm, host, signal),
  ]);
  const [bundle] = await unlessAborted(parts, signal);
  return guarded(() => {
    const handle = bundle.tar
      ? RouterHandle.fromTar(bundle.tar)
      : new RouterHandle([...bundle.files.keys()], [...bundle.files.values()], bundle.hashes);
    handle.setCacheCapacity(cache);
    return handle;
  });
}

/**
 * Adds the SHA-256 of a bundle's files where the host can compute them. A page outside a secure context
 * cannot; the engine then hashes.
 */
async function hashed(bundle) {
  const subtle = globalThis.crypto?.subtle;
  if (bundle.tar || !subtle) return { ...bundle, hashes: [] };
  const hash = async (bytes) => new Uint8Array(await subtle.digest("SHA-256", bytes));
  return { ...bundle, hashes: await Promise.all([...bundle.files.values()].map(hash)) };
}
