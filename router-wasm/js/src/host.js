// What differs between runtimes. The entry that is imported sets it, once for this realm, as there is one
// engine in a realm.

/**
 * @typedef {object} Host
 * @property {number} cache the default number of cached answers
 * @property {() => URL | WebAssembly.Module} wasm the engine's module or its location
 * @property {() => URL} bundle the location of the package's default bundle
 * @property {(source: string | URL) => URL | Promise<URL>} url resolves a source's text
 * @property {(url: URL, signal?: AbortSignal) => Promise<Uint8Array | undefined>} [read] reads a URL
 *   that is not fetched; undefined for one that is
 * @property {boolean} [inPairs] whether products of 16-bit pairs make relaxed-simd faster here
 */

/** @type {Host} */
let host;

/** @param {Host} given */
export function setHost(given) {
  host = given;
}

export function currentHost() {
  return host;
}
