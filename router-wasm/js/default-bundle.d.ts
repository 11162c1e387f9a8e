/** Where the default bundle lies, as what `Router.load` takes. */
declare const bundle: URL;
export default bundle;
