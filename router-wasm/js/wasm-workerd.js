// The engine's module for hosts without relaxed-simd, as a Worker imports it: wrangler goes by the
// ending of what is imported.

export { default } from "./pkg/pointsman_bg.wasm";
