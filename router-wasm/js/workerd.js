// The entry for Cloudflare Workers.

import { RouterError } from "./lib/error.js";
import { workerd } from "./lib/host-workerd.js";
import { routerFor } from "./lib/router.js";

export { RouterError };

export const Router = routerFor(workerd);
