/** The default bundle's bytes, as what `Router.load` takes: part of the Worker's script. */
declare const bundle: ArrayBuffer;
export default bundle;
