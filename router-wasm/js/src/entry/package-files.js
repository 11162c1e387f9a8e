// Where the package's own files lie, for the runtimes that fetch or read them.

import { hasRelaxedSimd } from "../engine/simd.js";

// Every URL is written out, so that bundlers find the files.
export const packageFiles = {
  /** The engine's module that this runtime compiles. */
  wasm: () =>
    hasRelaxedSimd()
      ? new URL("../../pkg/pointsman_relaxed_bg.wasm", import.meta.url)
      : new URL("../../pkg/pointsman_bg.wasm", import.meta.url),
  /** The default bundle. */
  bundle: () => new URL("../../pkg/default-bundle.bin", import.meta.url),
};
