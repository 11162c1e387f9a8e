/** The package's version. The wasm must be of the same; a test holds it to package.json. */
export const VERSION = "0.1.0";
