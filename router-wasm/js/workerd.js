// The entry for Cloudflare Workers, whose wasm is compiled at deployment and imported.

import module from "./pkg/switchyard_router_bg.wasm";
import { RouterError } from "./lib/error.js";
import { routerFor } from "./lib/router.js";

export { RouterError };

export const Router = routerFor({
  wasm: () => module,
  url: (source) => {
    try {
      return new URL(source);
    } catch (cause) {
      const message = `"${source}" is no absolute URL: a Worker has no address of its own to resolve it against`;
      throw new RouterError("argument_source", message, { cause });
    }
  },
});
