// The entry for browsers, and for hosts with `fetch` and `import.meta.url`.

import { RouterError } from "./lib/error.js";
import { hasRelaxedSimd } from "./lib/relaxed-simd.js";
import { routerFor } from "./lib/router.js";

export { RouterError };

export const Router = routerFor({
  cache: 256,
  // Both addresses are written out, so that bundlers find the files.
  wasm: () => hasRelaxedSimd()
    ? new URL("./pkg/switchyard_router_relaxed_bg.wasm", import.meta.url)
    : new URL("./pkg/switchyard_router_bg.wasm", import.meta.url),
  url: (source) => {
    try {
      return new URL(source, globalThis.document?.baseURI ?? globalThis.location?.href);
    } catch (cause) {
      throw new RouterError("argument_source", `"${source}" is no URL`, { cause });
    }
  },
});
