// The gateway as a process: checks what it needs, starts workerd with the Worker in it, and stops it.

import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { checkKeys, keyVariables } from "./config.mjs";
import { POINT_MARK, pointIn, savedBy } from "./decisions.mjs";
import { GatewayError, messageOf } from "./error.mjs";
import { placedJson } from "./json-places.mjs";
import { lock } from "./lock.mjs";
import { checkPort, inUrl } from "./port.mjs";
import { faultIn } from "./worker-fault.mjs";
import { startWorkerd } from "./workerd.mjs";
import { workerdConfig } from "./workerd-config.mjs";

/** @import { Config } from "./config.mjs" */
/** @import { Point, Totals } from "./decisions.mjs" */

/**
 * @typedef {object} Gateway
 * @property {string} url without a slash at its end
 * @property {string} bundle its name
 * @property {string | undefined} strong the model that "saved" compares with
 * @property {Totals} totals
 * @property {Promise<number>} ended resolves to workerd's exit code
 * @property {(signal?: "SIGTERM" | "SIGKILL") => Promise<void>} stop SIGTERM lets requests in flight end
 */
/**
 * @typedef {object} Listeners
 * @property {(point: Point, saved: number | undefined) => void} [onDecision]
 * @property {(line: string) => void} [onLog] receives what the Worker logs beside its decisions
 */

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const BUNDLE_FILES = ["router.json", "model.onnx", "tokenizer.json"];
/** The name of the caller on this machine in ledgers and logs. */
const LOCAL = "local";
/** The name of this process, where every other caller has a key. */
const OWN = "pointsman.serve";
/** A query for which the strong model is asked for, whatever it is. */
const STRONG_QUERY = { query: "Which is the strong model?", policy: { threshold: 0 } };
const READY_MS = 20_000;

/**
 * @param {Config} config
 * @param {NodeJS.ProcessEnv} env
 * @param {Listeners & {trial?: boolean}} options a trial keeps no data, and takes any free port
 * @returns {Promise<Gateway>} once it answers
 * @throws GatewayError
 */
export async function startGateway(config, env, { onDecision, onLog, trial = false } = {}) {
  if (!trial) checkKeys(config, env);
  checkBundle(config.bundle);
  if (!trial) await checkPort(config.host, config.port);
  const folder = trial ? mkdtempSync(join(tmpdir(), "pointsman-trial-")) : config.dataFolder;
  const held = trial ? undefined : lock(folder, config.hash);
  const release = () => (held ? held.release() : rmSync(folder, { recursive: true, force: true }));
  /** @type {Totals} */
  const totals = { requests: 0, cost: 0, saved: 0 };
  /** What the Worker logs before it answers. @type {string[] | undefined} */
  let early = [];
  /** @type {string | undefined} */
  let strong;
  const onLine = (/** @type {string} */ line) => {
    const point = pointIn(line);
    if (!point) return early ? void early.push(line) : onLog?.(line);
    // Decisions without a call, such as this process's own.
    if (point.endpoint === "route") return;
    const saved = savedBy(point, config.upstreams, strong);
    totals.requests += 1;
    totals.cost += point.cost ?? 0;
    totals.saved += saved ?? 0;
    onDecision?.(point, saved);
  };
  let workerd;
  try {
    const key = `pm-${randomBytes(32).toString("base64url")}`;
    const variables = variablesOf(config, key);
    const layout = layoutOf(config, variables, { folder, trial });
    const file = join(folder, "workerd.capnp");
    writeFileSync(file, workerdConfig(layout));
    const secrets = { ...secretsOf(config, env), POINTSMAN_LOCAL_KEY: key, LOG_SECRET: logSecret(folder, env) };
    workerd = await startWorkerd({ config: file, imports: DIST, env: secrets, onLine });
    const url = `http://${inUrl(trial ? "127.0.0.1" : config.host)}:${workerd.port}`;
    const { bundle, strong: found } = await ready(url, key).catch((error) => {
      const context = { local: config.keys === undefined, models: Object.keys(config.upstreams) };
      const fault = (early ?? []).map((line) => faultIn(line, variables, context)).find(Boolean);
      if (fault) throw new GatewayError("config_invalid", `${config.path}: ${fault}`);
      throw new GatewayError("workerd_failed", [messageOf(error), ...(early ?? [])].join("\n"));
    });
    strong = found;
    for (const line of early) onLog?.(line);
    early = undefined;
    held?.tell(url);
    const { ended, end } = workerd;
    ended.then(release);
    const stop = async (/** @type {"SIGTERM" | "SIGKILL"} */ signal = "SIGTERM") => {
      end(signal);
      await ended;
    };
    return { url, bundle, strong, totals, ended, stop };
  } catch (error) {
    workerd?.end("SIGKILL");
    await workerd?.ended;
    release();
    throw error;
  }
}

/** The Worker's variables as JSON, with the key of this process. @param {Config} config @param {string} key */
function variablesOf({ upstreams, gateway, keys, local }, key) {
  const sha256 = createHash("sha256").update(key).digest("hex");
  const own = keys ? { name: OWN, sha256, models: ["auto"], feedback: false } : { name: LOCAL, sha256, ...local };
  return {
    UPSTREAMS: placedJson(upstreams),
    GATEWAY: placedJson({ ...gateway, ...(keys ? {} : { open: false }) }),
    KEYS: placedJson([...(keys ?? []), own]),
  };
}

/**
 * @param {Config} config
 * @param {ReturnType<typeof variablesOf>} variables
 * @param {{folder: string, trial: boolean}} where
 */
function layoutOf(config, variables, { folder, trial }) {
  const objects = join(folder, "objects");
  const logFolder = trial ? undefined : config.logFolder;
  for (const path of [objects, ...(logFolder ? [logFolder] : [])]) {
    try {
      mkdirSync(path, { recursive: true });
    } catch (error) {
      throw new GatewayError("folder_unwritable", `the folder ${path} cannot be made: ${messageOf(error)}`);
    }
  }
  const cors = /** @type {{origins?: unknown} | undefined} */ (config.gateway.cors);
  const origins = Array.isArray(cors?.origins) ? cors.origins : [];
  const callerKeys = Object.values(config.upstreams).some(({ callerKey }) => Boolean(callerKey));
  const host = trial ? "127.0.0.1" : config.host;
  return {
    dist: DIST,
    bundle: config.bundle,
    objects,
    logFolder,
    address: `${host.includes(":") ? `[${host}]` : host}:${trial ? 0 : config.port}`,
    values: [
      ...Object.entries(variables).map(([name, { text }]) => ({ name, text })),
      { name: "POINT_MARK", text: POINT_MARK },
      { name: "LOCAL_CALLERS", json: config.keys ? "null" : JSON.stringify({ origins, callerKeys }) },
      { name: "LOCAL_KEY", variable: "POINTSMAN_LOCAL_KEY" },
      { name: "LOG_SECRET", variable: "LOG_SECRET" },
      ...[...keyVariables(config).keys()].map((name) => ({ name, variable: name })),
    ],
  };
}

/** @param {Config} config @param {NodeJS.ProcessEnv} env */
function secretsOf(config, env) {
  const names = [...keyVariables(config).keys()];
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

/** The secret that signs feedback ids: the environment's, else one that is made once. @param {string} folder @param {NodeJS.ProcessEnv} env */
function logSecret(folder, env) {
  if (env.LOG_SECRET) return env.LOG_SECRET;
  const path = join(folder, "log-secret");
  if (!existsSync(path)) writeFileSync(path, randomBytes(32).toString("hex"), { mode: 0o600 });
  return readFileSync(path, "utf8");
}

/** @param {string} bundle a folder */
export function checkBundle(bundle) {
  const missing = BUNDLE_FILES.filter((name) => !existsSync(join(bundle, name)));
  if (missing.length === 0) return;
  const message = `${bundle} has no ${missing.join(", ")}: expected the folder of a bundle, with ${BUNDLE_FILES.join(", ")}`;
  throw new GatewayError("bundle_unreadable", message);
}

/**
 * Waits for the Worker's bundle, and asks which model is the strong one.
 * @param {string} url
 * @param {string} key
 */
async function ready(url, key) {
  const signal = AbortSignal.timeout(READY_MS);
  const health = await fetch(`${url}/healthz`, { signal });
  const text = await health.text();
  if (!health.ok) throw new Error(`the Worker answers ${health.status}: ${text}`);
  const route = await fetch(`${url}/v1/route`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify(STRONG_QUERY),
    signal,
  });
  // A bundle without a pair refuses a threshold.
  const { model } = route.ok ? await route.json() : { model: undefined };
  await route.body?.cancel().catch(() => {});
  return { bundle: String(JSON.parse(text).bundle), strong: /** @type {string | undefined} */ (model) };
}
