// The entry for Node and Deno, which also load bundles from the file system.

import { setHost } from "../../host.js";
import { node } from "./host.js";

export { loadBundle } from "../../bundle/load-bundle.js";
export { RouterError } from "../../error.js";
export { Router } from "../../router.js";

setHost(node);
