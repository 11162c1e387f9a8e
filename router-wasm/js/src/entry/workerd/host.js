// Finds the package's files in a Cloudflare Worker: the wasm is imported, and was compiled at
// deployment. workerd supports relaxed-simd.

import module from "../../../pkg/pointsman_relaxed_bg.wasm";
import { RouterError } from "../../error.js";

/** @import { Host } from "../../host.js" */

/** @type {Host} */
export const workerd = {
  // One Worker may serve several tenants: the time of an answer would tell one of them what another asked.
  cache: 0,
  wasm: () => module,
  bundle: () => {
    const message =
      'Router.load() has no default bundle in a Worker, since it would be part of every script. Import it and pass it: import bundle from "pointsman/default-bundle"; await Router.load(bundle)';
    throw new RouterError("argument_source", message);
  },
  url: (source) => {
    try {
      return new URL(source);
    } catch (cause) {
      const message = `"${source}" is not an absolute URL: a Worker has no base URL to resolve it against`;
      throw new RouterError("argument_source", message, { cause });
    }
  },
};
