// The Worker's main module. `cargo xtask build` makes ../build from the crate in worker/.

import * as bindings from "../build/pointsman_worker.js";
import module from "../build/pointsman_worker_bg.wasm";
import { guarded } from "./guard.mjs";

bindings.initSync({ module });

export { Ledger } from "./ledger.mjs";
export default guarded(bindings);
