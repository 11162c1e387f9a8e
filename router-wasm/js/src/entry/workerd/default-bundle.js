// The default bundle as part of a Worker's script: about 1.5 MB of the script's size limit.

import bytes from "../../../pkg/default-bundle.bin";

/** The default bundle's bytes, for `Router.load`; they are part of the Worker's script. */
export default /** @type {ArrayBuffer} */ (bytes);
