/** The default bundle's URL, for `Router.load`. */
declare const bundle: URL;
export default bundle;
