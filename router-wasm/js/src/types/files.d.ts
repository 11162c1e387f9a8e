// What a Worker's imports of binary files give. JavaScript cannot declare a module for a file that is not a
// script.

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "*.bin" {
  const bytes: ArrayBuffer;
  export default bytes;
}
