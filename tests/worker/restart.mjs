// The Worker with a request that corrupts its memory, for restart.test.mjs: it makes the real module
// trap without a panic built into it.

/** @import { Fetch } from "../../worker/js/guard.mjs" */

import * as bindings from "../../worker/build/pointsman_worker.js";
import module from "../../worker/build/pointsman_worker_bg.wasm";
import { guarded } from "../../worker/js/guard.mjs";

const { memory } = bindings.initSync({ module });
const handlers = guarded(bindings);

export { Ledger } from "../../worker/js/ledger.mjs";
export default {
  /** @type {Fetch} */
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/ruin") return handlers.fetch(request, env, context);
    new Uint8Array(memory.buffer).fill(0xff);
    return new Response("ruined");
  },
};
