// Finds the package's files and resolves URLs in a page or its Web Workers.

import { hasRelaxedSimd } from "../../engine/simd.js";
import { RouterError } from "../../error.js";

/** @import { Host } from "../../host.js" */

/** @type {Host} */
export const browser = {
  cache: 256,
  // Every URL is written out, so that bundlers find the files.
  wasm: () =>
    hasRelaxedSimd()
      ? new URL("../../../pkg/pointsman_relaxed_bg.wasm", import.meta.url)
      : new URL("../../../pkg/pointsman_bg.wasm", import.meta.url),
  bundle: () => new URL("../../../pkg/default-bundle.bin", import.meta.url),
  url: (source) => {
    try {
      return new URL(source, globalThis.document?.baseURI ?? globalThis.location?.href);
    } catch (cause) {
      throw new RouterError("argument_source", `"${source}" is not a valid URL`, { cause });
    }
  },
};
