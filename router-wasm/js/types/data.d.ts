/** The file's bytes, as a Worker imports them. */
declare const bytes: ArrayBuffer;
export default bytes;
