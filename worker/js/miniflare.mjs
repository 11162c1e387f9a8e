// Starts the Worker in workerd on this machine, through miniflare, for the demo, the tests and the
// benchmark. The configuration is that of wrangler.toml; optional bindings exist only if requested.

/** @import { Readable } from "node:stream" */
/** @import { Request, WorkerOptions } from "miniflare" */
/** @import { DataPoint } from "./stand-ins/analytics.mjs" */

import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { Miniflare, Response } from "miniflare";

const HERE = dirname(fileURLToPath(import.meta.url));
const COMPATIBILITY_DATE = "2026-06-01";
/** The modules that the main modules import beside the build. */
const MODULES = ["guard.mjs", "ledger.mjs", "ledger-state.mjs", "rollout-state.mjs", "drift-state.mjs"];
/** The prefix of log lines that are data points. */
const POINT = "pointsman-data-point ";

/**
 * @typedef {object} StartOptions
 * @property {string} bundle a bundle's folder
 * @property {object | string} [upstreams] the UPSTREAMS variable
 * @property {object | string} [gateway] the GATEWAY variable
 * @property {object[] | string} [keys] the secret KEYS, as a list or as its text
 * @property {Record<string, string>} [secrets] secret bindings
 * @property {boolean} [ledger] whether to bind the Durable Object LEDGER
 * @property {{limit: number, period?: 10 | 60}} [rateLimit] the limit of RATE_LIMITER; `period` in seconds
 * @property {(point: DataPoint) => void} [analytics] receives each data point of ANALYTICS
 * @property {("LOG" | "BUNDLES")[]} [buckets] R2 buckets to bind
 * @property {(model: string, inputs: any) => Response | object | Promise<Response | object>} [ai] answers in place of
 *   `AI.run`: a Response of events is a stream, one with another status an error
 * @property {string} [persist] a folder that keeps buckets and Durable Objects between starts
 * @property {number} [port] 0 for any free port
 * @property {string} [main] the main module, relative to this folder
 * @property {boolean} [embedded] whether the bundle is in the script instead of static assets
 * @property {boolean} [alone] whether requests go directly to the Worker, without miniflare's entry Worker, which a
 *   deployment does not have
 * @property {(text: string) => void} [log] receives each line that the Worker logs
 */

/**
 * @param {StartOptions} options
 * @returns {Promise<{url: URL, miniflare: Miniflare}>}
 */
export async function startWorker({ bundle, port = 0, main, log, persist, embedded, alone, ...options }) {
  const standIns = standInsFor(options);
  /** @type {WorkerOptions} */
  const worker = {
    name: "pointsman",
    modulesRoot: resolve(HERE, "../.."),
    modules: embedded ? await embeddedModules(bundle) : await modules(main ?? "entry.mjs"),
    compatibilityDate: COMPATIBILITY_DATE,
    compatibilityFlags: ["enable_request_signal"],
    bindings: variables(options),
    ...(embedded ? {} : { assets: assets(bundle) }),
    unsafeDirectSockets: alone ? [{ host: "127.0.0.1", port: 0 }] : [],
    r2Buckets: options.buckets ?? [],
    wrappedBindings: Object.fromEntries(standIns.map(({ name }) => [name, { scriptName: name }])),
    ...(options.ledger ? { durableObjects: { LEDGER: { className: "Ledger", useSQLite: true } } } : {}),
    ...(options.rateLimit ? { ratelimits: { RATE_LIMITER: rateLimit(options.rateLimit) } } : {}),
  };
  const miniflare = new Miniflare({
    rootPath: HERE,
    workers: [worker, ...standIns],
    host: "127.0.0.1",
    port,
    ...(persist ? { r2Persist: join(persist, "r2"), durableObjectsPersist: join(persist, "objects") } : {}),
    handleRuntimeStdio: (/** @type {Readable} */ stdout, /** @type {Readable} */ stderr) => {
      for (const stream of [stdout, stderr]) {
        createInterface({ input: stream }).on("line", (line) => {
          if (line.startsWith(POINT)) options.analytics?.(JSON.parse(line.slice(POINT.length)));
          else log?.(`${line}\n`);
        });
      }
    },
  });
  const entry = await miniflare.ready;
  return { url: alone ? await miniflare.unsafeGetDirectURL() : entry, miniflare };
}

/** @param {Pick<StartOptions, "upstreams" | "gateway" | "keys" | "secrets">} options */
function variables({ upstreams, gateway, keys, secrets = {} }) {
  const given = {
    UPSTREAMS: upstreams,
    GATEWAY: gateway,
    KEYS: typeof keys === "object" ? JSON.stringify(keys) : keys,
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...secrets, ...Object.fromEntries(set) };
}

/** @param {{limit: number, period?: 10 | 60}} limit */
function rateLimit({ limit, period = 60 }) {
  return { namespace_id: "1", simple: { limit, period } };
}

/**
 * The Workers, of one module each, that stand in for the bindings AI and ANALYTICS.
 * @param {Pick<StartOptions, "ai" | "analytics">} options
 * @returns {(WorkerOptions & {name: string})[]}
 */
function standInsFor({ ai, analytics }) {
  const standIns = [];
  if (ai) {
    const answer = async (/** @type {Request} */ request) => {
      const { model, inputs } = /** @type {{model: string, inputs: unknown}} */ (await request.json());
      const answered = await ai(model, inputs);
      return answered instanceof Response ? answered : Response.json(answered);
    };
    standIns.push({ name: "AI", ...standIn("ai.mjs"), serviceBindings: { ANSWER: answer } });
  }
  if (analytics) standIns.push({ name: "ANALYTICS", ...standIn("analytics.mjs"), bindings: { mark: POINT } });
  return standIns;
}

/** @param {string} module @returns {{modules: ModuleDefinition[]}} */
function standIn(module) {
  return { modules: [{ type: "ESModule", path: join(HERE, "stand-ins", module) }] };
}

/** @param {string} bundle */
function assets(bundle) {
  return {
    directory: resolve(bundle),
    binding: "ASSETS",
    routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true },
  };
}

/**
 * The modules, with `bundle`'s files in place of those that the entry imports.
 * @param {string} bundle
 * @returns {Promise<ModuleDefinition[]>}
 */
async function embeddedModules(bundle) {
  const files = ["router.json", "model.onnx", "tokenizer.json"].map(async (name) => ({
    type: /** @type {const} */ ("Data"),
    path: join(HERE, "../../bundles/default", name),
    contents: await readFile(join(bundle, name)),
  }));
  const [main, ...others] = await modules("entry-embedded.mjs", ["entry.mjs"]);
  return [main, ...others, ...(await Promise.all(files))];
}

/** @typedef {{type: "ESModule" | "CompiledWasm" | "Data", path: string, contents?: Uint8Array}} ModuleDefinition */

/**
 * The main module, first, and all that it may import, each with its type.
 * @param {string} main
 * @param {string[]} more
 * @returns {Promise<ModuleDefinition[]>}
 */
async function modules(main, more = []) {
  const paths = [main, ...more, ...MODULES].map((name) => join(HERE, name));
  const build = join(HERE, "../build");
  for (const entry of await readdir(build, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && /\.(js|wasm)$/.test(entry.name)) {
      paths.push(join(entry.parentPath, entry.name));
    }
  }
  return paths.map((path) => ({
    type: path.endsWith(".wasm") ? "CompiledWasm" : "ESModule",
    path,
  }));
}
