// Starts the Worker in workerd on this machine, through miniflare, for the demo, the tests and the
// benchmark. The configuration is that of wrangler.toml; optional bindings exist only if requested.

import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { Miniflare, Response } from "miniflare";

const HERE = dirname(fileURLToPath(import.meta.url));
const COMPATIBILITY_DATE = "2026-06-01";
/** The modules that the main modules import beside the build. */
const MODULES = ["guard.mjs", "ledger.mjs", "ledger-state.mjs"];
/** The prefix of log lines that are data points. */
const POINT = "pointsman-data-point ";

/**
 * @param {object} options
 * @param {string} options.bundle a bundle's folder
 * @param {object | string} [options.upstreams] the UPSTREAMS variable
 * @param {object | string} [options.gateway] the GATEWAY variable
 * @param {object[] | string} [options.keys] the secret KEYS, as a list or as its text
 * @param {Record<string, string>} [options.secrets] secret bindings
 * @param {boolean} [options.ledger] whether to bind the Durable Object LEDGER
 * @param {{limit: number, period?: 10 | 60}} [options.rateLimit] the limit of RATE_LIMITER; `period` in seconds
 * @param {(point: object) => void} [options.analytics] receives each data point of ANALYTICS
 * @param {("LOG" | "BUNDLES")[]} [options.buckets] R2 buckets to bind
 * @param {(model: string, inputs: object) => Response | object} [options.ai] answers in place of `AI.run`:
 *   a Response of events is a stream, one with another status an error
 * @param {string} [options.persist] a folder that keeps buckets and Durable Objects between starts
 * @param {number} [options.port] 0 for any free port
 * @param {string} [options.main] the main module, relative to this folder
 * @param {boolean} [options.embedded] whether the bundle is in the script instead of static assets
 * @param {boolean} [options.alone] whether requests go directly to the Worker, without miniflare's entry
 *   Worker, which a deployment does not have
 * @param {(text: string) => void} [options.log] receives each line that the Worker logs
 * @returns {Promise<{url: URL, miniflare: Miniflare}>}
 */
export async function startWorker({ bundle, port = 0, main, log, persist, embedded, alone, ...options }) {
  const standIns = standInsFor(options);
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
    handleRuntimeStdio: (stdout, stderr) => {
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

function variables({ upstreams, gateway, keys, secrets = {} }) {
  const given = {
    UPSTREAMS: upstreams,
    GATEWAY: gateway,
    KEYS: typeof keys === "object" ? JSON.stringify(keys) : keys,
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...secrets, ...Object.fromEntries(set) };
}

function rateLimit({ limit, period = 60 }) {
  return { namespace_id: "1", simple: { limit, period } };
}

/** The Workers, of one module each, that stand in for the bindings AI and ANALYTICS. */
function standInsFor({ ai, analytics }) {
  const answer = async (request) => {
    const { model, inputs } = await request.json();
    const answered = await ai(model, inputs);
    return answered instanceof Response ? answered : Response.json(answered);
  };
  return [
    ...(ai ? [{ name: "AI", ...standIn("ai.mjs"), serviceBindings: { ANSWER: answer } }] : []),
    ...(analytics ? [{ name: "ANALYTICS", ...standIn("analytics.mjs"), bindings: { mark: POINT } }] : []),
  ];
}

function standIn(module) {
  return { modules: [{ type: "ESModule", path: join(HERE, "stand-ins", module) }] };
}

function assets(bundle) {
  return {
    directory: resolve(bundle),
    binding: "ASSETS",
    routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true },
  };
}

/** The modules, with `bundle`'s files in place of those that the entry imports. */
async function embeddedModules(bundle) {
  const files = ["router.json", "model.onnx", "tokenizer.json"].map(async (name) => ({
    type: "Data",
    path: join(HERE, "../../bundles/default", name),
    contents: await readFile(join(bundle, name)),
  }));
  const [main, ...others] = await modules("entry-embedded.mjs", ["entry.mjs"]);
  return [main, ...others, ...(await Promise.all(files))];
}

/** The main module, first, and all that it may import, each with its type. */
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
