// The Worker with a way to ruin its memory, for restart.test.mjs: a trap of the real module, where
// a panic would otherwise have to be built into it.

import module from "../../worker/build/pointsman_worker_bg.wasm";
import * as bindings from "../../worker/build/pointsman_worker.js";
import { guarded } from "../../worker/guard.mjs";

const { memory } = bindings.initSync({ module });
const handlers = guarded(bindings);

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/ruin") return handlers.fetch(request, env, context);
    new Uint8Array(memory.buffer).fill(0xff);
    return new Response("ruined");
  },
};
