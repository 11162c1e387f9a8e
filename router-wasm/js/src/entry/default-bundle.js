/** The default bundle's URL, for `Router.load`. */
export default new URL("../../pkg/default-bundle.bin", import.meta.url);
