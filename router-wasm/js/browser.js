// The entry for browsers, and for other hosts with `fetch` and `import.meta.url`.

import { RouterError } from "./lib/error.js";
import { browser } from "./lib/host-browser.js";
import { routerFor } from "./lib/router.js";

export { RouterError };

export const Router = routerFor(browser);
