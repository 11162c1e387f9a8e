// The engine's module for hosts without relaxed-simd, as a Worker imports it: wrangler goes by the
// ending of what is imported.

import module from "../../../pkg/pointsman_bg.wasm";

/** The module, as a Worker imports it. */
export default /** @type {WebAssembly.Module} */ (module);
