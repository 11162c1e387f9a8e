// The engine's module for hosts with relaxed-simd, as a Worker imports it: wrangler goes by the ending
// of what is imported.

import module from "../../../pkg/pointsman_relaxed_bg.wasm";

/** The module, as a Worker imports it. */
export default /** @type {WebAssembly.Module} */ (module);
