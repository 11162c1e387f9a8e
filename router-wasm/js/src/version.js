/** The package's version, which the wasm must have too. A test compares it with package.json. */
export const VERSION = "0.1.0";
