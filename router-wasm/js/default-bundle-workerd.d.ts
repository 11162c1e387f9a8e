/** The default bundle's bytes, for `Router.load`; they are part of the Worker's script. */
declare const bundle: ArrayBuffer;
export default bundle;
