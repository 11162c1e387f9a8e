// The entry for Cloudflare Workers.

import { setHost } from "../../host.js";
import { workerd } from "./host.js";

export { loadBundle } from "../../bundle/load-bundle.js";
export { RouterError } from "../../error.js";
export { Router } from "../../router.js";

setHost(workerd);
