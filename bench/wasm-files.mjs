// The wasm of both engines, from the clone's root.

const RELAXED = "router-wasm/js/pkg/pointsman_relaxed_bg.wasm";

/** The engine's builds by name. */
export const ENGINE_BUILDS = {
  pointsman: "router-wasm/js/pkg/pointsman_bg.wasm",
  "pointsman, relaxed-simd": RELAXED,
};
/** The build that the npm package takes where there is relaxed-simd: in every host measured. */
export const ENGINE_WASM = RELAXED;
export const PEER_WASM = "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm";
