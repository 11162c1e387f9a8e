// The Worker with GET /memory, the bytes of its wasm memory, for soak.test.mjs. That memory never
// shrinks, so what is lost in Rust shows in it.

import module from "../../worker/build/pointsman_worker_bg.wasm";
import * as bindings from "../../worker/build/pointsman_worker.js";
import { guarded } from "../../worker/guard.mjs";

const { memory } = bindings.initSync({ module });
const handlers = guarded(bindings);

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/memory") return handlers.fetch(request, env, context);
    return Response.json(memory.buffer.byteLength);
  },
};
