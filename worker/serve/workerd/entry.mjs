// The main module of the Worker on one's own machine: the deployed Worker's, with bindings that workerd alone does
// not have, and with the key of a caller on this machine.

import worker from "../../js/entry.mjs";
import analytics from "../../js/stand-ins/analytics.mjs";
import { FolderBucket } from "./folder-bucket.mjs";
import { withLocalKey } from "./local-caller.mjs";

export { Ledger } from "../../js/ledger.mjs";

/** @import { LocalCallers } from "./local-caller.mjs" */

/**
 * What workerd binds for this module, beside the Worker's own variables and secrets.
 * @typedef {object} LocalEnv
 * @property {Fetcher} [LOG_FOLDER] the folder that stands in for the bucket LOG
 * @property {string} POINT_MARK the prefix of the lines that are data points
 * @property {LocalCallers | null} LOCAL_CALLERS null where every caller needs a key of its own
 * @property {string} LOCAL_KEY
 */

/**
 * The environments with the bindings added, by the original one; an isolate has one.
 * @type {WeakMap<object, object>}
 */
const environments = new WeakMap();

export default {
  /** @param {Request} request @param {LocalEnv} env @param {ExecutionContext} context */
  fetch(request, env, context) {
    const known = environments.get(env) ?? withBindings(env);
    environments.set(env, known);
    const admitted = env.LOCAL_CALLERS ? withLocalKey(request, env.LOCAL_KEY, env.LOCAL_CALLERS) : request;
    return worker.fetch(admitted, known, context);
  },
};

/** @param {LocalEnv} env */
function withBindings(env) {
  const added = Object.create(env, { ANALYTICS: { value: analytics({ mark: env.POINT_MARK }) } });
  if (env.LOG_FOLDER) Object.defineProperty(added, "LOG", { value: new FolderBucket(env.LOG_FOLDER) });
  return added;
}
