// What a Worker's script gets for a file that it imports.

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "*.onnx" {
  const bytes: ArrayBuffer;
  export default bytes;
}

declare module "*.json" {
  const bytes: ArrayBuffer;
  export default bytes;
}
