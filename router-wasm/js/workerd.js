// The entry for Cloudflare Workers, whose wasm is compiled at deployment and imported. workerd has
// relaxed-simd.

import module from "./pkg/switchyard_router_relaxed_bg.wasm";
import { RouterError } from "./lib/error.js";
import { routerFor } from "./lib/router.js";

export { RouterError };

export const Router = routerFor({
  // One Worker may serve several tenants, whom the time of an answer would tell of each other.
  cache: 0,
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
