// The Worker with a clock that POST /advance?ms=N sets forward, so that tests need not wait.

import * as bindings from "../../worker/build/pointsman_worker.js";
import module from "../../worker/build/pointsman_worker_bg.wasm";
import { guarded } from "../../worker/js/guard.mjs";

let ahead = 0;
const Real = Date;

class Ahead extends Real {
  constructor(...given) {
    super(...(given.length > 0 ? given : [Ahead.now()]));
  }

  static now() {
    return Real.now() + ahead;
  }
}

globalThis.Date = Ahead;
const realNow = performance.now.bind(performance);
performance.now = () => realNow() + ahead;
bindings.initSync({ module });
const handlers = guarded(bindings);

export { Ledger } from "../../worker/js/ledger.mjs";

export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/advance") return handlers.fetch(request, env, context);
    ahead += Number(searchParams.get("ms"));
    return new Response("advanced");
  },
};
