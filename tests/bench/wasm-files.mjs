// The wasm of both engines, from the clone's root.

export const ENGINE_WASM = "router-wasm/js/pkg/switchyard_router_bg.wasm";
export const PEER_WASM = "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm";
