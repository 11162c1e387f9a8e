// The public `loadBundle`.

import { currentHost } from "../host.js";
import { checkedCallback, checkedObject, checkedSignal } from "../options.js";
import { unlessAborted } from "../unless-aborted.js";
import { readBundle } from "./read.js";

/** @import { BundleBytes, BundleSource } from "../types/bundle.js" */
/** @import { LoadBundleOptions } from "../types/load.js" */

const CALLER = "loadBundle()";

/**
 * Reads a bundle's bytes, as `Router.load` does, without starting the engine: for a host that keeps the
 * files, or passes them to several routers. `Router.load` checks whether they are a bundle.
 *
 * @param {BundleSource | Promise<BundleSource>} [source] the package's default bundle where absent
 * @param {LoadBundleOptions} [options]
 * @returns {Promise<BundleBytes>} the files by name; of an archive its bytes
 * @throws RouterError `argument_source`, `argument_options`, `fetch_failed`, `file_unreadable`; the
 * signal's reason.
 *
 * @example
 * ```js
 * const bundle = loadBundle("https://example.com/bundle/", { onProgress: console.log });
 * const router = await Router.load(bundle); // the engine starts beside the download
 * const files = await bundle;
 * ```
 */
export async function loadBundle(source, options = {}) {
  const { signal, onProgress, map } = checkedObject(options, CALLER, "{signal, onProgress, map}");
  checkedSignal(signal);
  checkedCallback("onProgress", onProgress);
  signal?.throwIfAborted();
  return unlessAborted(readBundle(source, currentHost(), { signal, onProgress, map, caller: CALLER }), signal);
}
