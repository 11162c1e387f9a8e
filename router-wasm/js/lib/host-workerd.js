// A Cloudflare Worker, whose wasm is compiled at deployment and imported. workerd has relaxed-simd.

import module from "../pkg/pointsman_relaxed_bg.wasm";
import { RouterError } from "./error.js";

export const workerd = {
  // One Worker may serve several tenants, whom the time of an answer would tell of each other.
  cache: 0,
  wasm: () => module,
  bundle: () => {
    const message = 'Router.load() has no default in a Worker, whose script would carry the bundle unasked. Import it, and pass it: import bundle from "pointsman/default-bundle"; await Router.load(bundle)';
    throw new RouterError("argument_source", message);
  },
  url: (source) => {
    try {
      return new URL(source);
    } catch (cause) {
      const message = `"${source}" is no absolute URL: a Worker has no address of its own to resolve it against`;
      throw new RouterError("argument_source", message, { cause });
    }
  },
};
