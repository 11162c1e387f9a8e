/** The module, as a Worker imports it. */
declare const module: WebAssembly.Module;
export default module;
