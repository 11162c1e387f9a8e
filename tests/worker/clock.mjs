// The Worker with a clock that POST /advance?ms=N sets forward, so that tests need not wait.

/** @import { Fetch } from "../../worker/js/guard.mjs" */

import * as bindings from "../../worker/build/pointsman_worker.js";
import module from "../../worker/build/pointsman_worker_bg.wasm";
import { guarded } from "../../worker/js/guard.mjs";

let ahead = 0;
const Real = Date;

const now = () => Real.now() + ahead;

globalThis.Date = new Proxy(Real, {
  construct: (real, given, made) => Reflect.construct(real, given.length > 0 ? given : [now()], made),
  get: (real, name) => (name === "now" ? now : Reflect.get(real, name)),
});
const realNow = performance.now.bind(performance);
performance.now = () => realNow() + ahead;
bindings.initSync({ module });
const handlers = guarded(bindings);

export { Ledger } from "../../worker/js/ledger.mjs";

export default {
  /** @type {Fetch} */
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/advance") return handlers.fetch(request, env, context);
    ahead += Number(searchParams.get("ms"));
    return new Response("advanced");
  },
};
