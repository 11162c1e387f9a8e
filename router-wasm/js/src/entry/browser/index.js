// The entry for browsers, and for other hosts with `fetch` and `import.meta.url`.

import { setHost } from "../../host.js";
import { browser } from "./host.js";

export { loadBundle } from "../../bundle/load-bundle.js";
export { RouterError } from "../../error.js";
export { Router } from "../../router.js";

setHost(browser);
