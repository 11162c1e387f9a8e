// The Worker with GET /memory, which returns the size of its wasm memory in bytes, for soak.test.mjs.
// Wasm memory never shrinks, so leaks in Rust show in it.

/** @import { Fetch } from "../../worker/js/guard.mjs" */

import * as bindings from "../../worker/build/pointsman_worker.js";
import module from "../../worker/build/pointsman_worker_bg.wasm";
import { guarded } from "../../worker/js/guard.mjs";

const { memory } = bindings.initSync({ module });
const handlers = guarded(bindings);

export default {
  /** @type {Fetch} */
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/memory") return handlers.fetch(request, env, context);
    return Response.json(memory.buffer.byteLength);
  },
};
