// From what `load` was given to a bundle in the engine.

import { RouterHandle, guarded, startEngine } from "./engine.js";
import { bundleBytes } from "./source.js";
import { unlessAborted } from "./unless-aborted.js";

/**
 * @param source what `load` was given
 * @param options those of `load`, checked
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
 * A bundle with its files' SHA-256, where the host has a hash function of its own (a page outside a
 * secure context has none: the engine then hashes).
 */
async function hashed(bundle) {
  const subtle = globalThis.crypto?.subtle;
  if (bundle.tar || !subtle) return { ...bundle, hashes: [] };
  const hash = async (bytes) => new Uint8Array(await subtle.digest("SHA-256", bytes));
  return { ...bundle, hashes: await Promise.all([...bundle.files.values()].map(hash)) };
}
