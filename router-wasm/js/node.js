// The entry for Node and Deno, which also load bundles from the file system.

import { RouterError } from "./lib/error.js";
import { node } from "./lib/host-node.js";
import { routerFor } from "./lib/router.js";

export { RouterError };

export const Router = routerFor(node);
