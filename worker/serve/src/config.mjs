// Reads pointsman.toml. Its tables upstreams, gateway and keys are the Worker's variables of these names, field by
// field; the Worker checks them (worker-fault.mjs), so that no second list of fields is kept here.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { parse, TomlError } from "smol-toml";

import { GatewayError, messageOf } from "./error.mjs";
import { isTable } from "./json-places.mjs";
import { suggestion } from "./nearest.mjs";

/** @typedef {Record<string, unknown> & {api?: string, baseUrl?: string, model?: string, keySecret?: string}} Upstream */
/**
 * @typedef {object} Config
 * @property {string} path of the file
 * @property {string} hash of all that decides how the gateway behaves
 * @property {string} host
 * @property {number} port
 * @property {string} bundle a folder
 * @property {string} dataFolder of budgets and sessions
 * @property {string | undefined} logFolder of decisions and outcomes
 * @property {Record<string, Upstream>} upstreams UPSTREAMS
 * @property {Record<string, unknown>} gateway GATEWAY
 * @property {unknown[] | undefined} keys KEYS
 * @property {Record<string, unknown>} local the entry of KEYS for callers on this machine, without name and hash
 */
/** What the command line states in place of the file. @typedef {{host?: string, port?: number, bundle?: string}} Overrides */

export const FILE = "pointsman.toml";
export const DEFAULT_PORT = 8787;
const DEFAULT_HOST = "127.0.0.1";
const FIELDS = ["host", "port", "bundle", "dataFolder", "logFolder", "upstreams", "gateway", "keys", "local"];
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/i;

/**
 * The file to read: the one named, else that of this folder, else the user's own.
 * @param {string | undefined} named
 * @param {NodeJS.ProcessEnv} env
 * @returns {string[]} in the order in which they are tried
 */
export function placesOf(named, env) {
  if (named !== undefined) return [resolve(named)];
  if (env.POINTSMAN_CONFIG) return [resolve(env.POINTSMAN_CONFIG)];
  const folder =
    process.platform === "win32"
      ? (env.APPDATA ?? join(homedir(), "AppData/Roaming"))
      : (env.XDG_CONFIG_HOME ?? join(homedir(), ".config"));
  return [resolve(FILE), join(folder, "pointsman", FILE)];
}

/**
 * @param {string[]} places
 * @param {Overrides} overrides
 * @returns {Config | undefined} undefined if no file is at any of them
 */
export function readConfig(places, overrides = {}) {
  for (const path of places) {
    let text;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      if (code === "ENOENT") continue;
      throw new GatewayError("config_unreadable", `${path} cannot be read: ${messageOf(error)}`);
    }
    return configOf(text, path, overrides);
  }
  return undefined;
}

/**
 * @param {string} text in TOML
 * @param {string} path
 * @param {Overrides} overrides
 * @returns {Config}
 */
export function configOf(text, path, overrides = {}) {
  const invalid = (/** @type {string} */ detail) => new GatewayError("config_invalid", `${path}: ${detail}`);
  let stated;
  try {
    stated = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw invalid(`line ${error.line}, column ${error.column}: ${error.message.split("\n")[0]}`);
  }
  for (const name of Object.keys(stated)) {
    if (!FIELDS.includes(name)) throw invalid(`there is no field ${name}: ${suggestion(name, FIELDS)}`);
  }
  const field = (/** @type {string} */ name, /** @type {string} */ type) => {
    const value = stated[name];
    const found = Array.isArray(value) ? "list" : isTable(value) ? "table" : typeof value;
    if (value === undefined || found === type) return value;
    throw invalid(`${name} is a ${found}: expected a ${type}`);
  };
  const base = dirname(path);
  const folder = (/** @type {string} */ name) => {
    const value = /** @type {string | undefined} */ (field(name, "string"));
    return value === undefined ? undefined : resolve(base, value);
  };
  const table = (/** @type {string} */ name) => /** @type {Record<string, any>} */ (field(name, "table") ?? {});
  const keys = /** @type {unknown[] | undefined} */ (field("keys", "list"));
  const upstreams = table("upstreams");
  for (const [name, upstream] of Object.entries(upstreams)) {
    if (!isTable(upstream)) throw invalid(`upstreams.${name} is not a table: write [upstreams.${quoted(name)}]`);
    if (upstream.api === "workers-ai")
      throw invalid(`upstreams.${name}.api is workers-ai, which only Cloudflare runs: expected openai or anthropic`);
  }
  if (Object.keys(upstreams).length === 0)
    throw invalid("it names no upstream: write a table [upstreams.NAME] for each model, with its baseUrl");
  const local = table("local");
  if (keys && stated.local !== undefined)
    throw invalid("it has both keys and local: with keys every caller needs a key of its own, so leave out local");
  for (const name of ["name", "sha256"])
    if (name in local) throw invalid(`local.${name} cannot be stated: the gateway makes the key of local callers`);
  checkNumbers({ upstreams, gateway: stated.gateway, keys, local }, "", invalid);

  const own = {
    host: /** @type {string | undefined} */ (field("host", "string")),
    port: /** @type {number | undefined} */ (field("port", "number")),
    bundle: folder("bundle"),
  };
  const host = overrides.host ?? own.host ?? DEFAULT_HOST;
  const port = overrides.port ?? own.port ?? DEFAULT_PORT;
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw invalid(`port is ${port}: expected 1 to 65535, or 0 for a free one`);
  const config = {
    host,
    port,
    bundle: overrides.bundle ? resolve(overrides.bundle) : (own.bundle ?? packagedBundle()),
    dataFolder: folder("dataFolder") ?? resolve(base, ".pointsman"),
    logFolder: folder("logFolder"),
    upstreams,
    gateway: table("gateway"),
    keys,
    local,
  };
  if (!LOOPBACK.test(host)) {
    if (!keys?.length)
      throw new GatewayError(
        "host_needs_keys",
        `host is ${host}, which other machines reach, and ${path} has no keys: make one with \`pointsman-gateway new-key NAME\` and add its entry as [[keys]], or leave the host at ${DEFAULT_HOST}`,
      );
    if (config.gateway.open === true)
      throw new GatewayError(
        "host_needs_keys",
        `host is ${host}, which other machines reach, and gateway.open is true: leave out gateway.open, or anybody who reaches the port spends your money`,
      );
  }
  // A program may use a gateway of the same configuration at any port.
  const hash = createHash("sha256")
    .update(JSON.stringify({ ...config, port: 0 }))
    .digest("hex");
  return { ...config, path, hash };
}

/** The environment variables that hold upstreams' keys, each with the upstreams that use it. @param {Config} config */
export function keyVariables({ upstreams }) {
  /** @type {Map<string, string[]>} */
  const variables = new Map();
  for (const [name, { keySecret }] of Object.entries(upstreams)) {
    if (typeof keySecret === "string") variables.set(keySecret, [...(variables.get(keySecret) ?? []), name]);
  }
  return variables;
}

/**
 * @param {Config} config
 * @param {NodeJS.ProcessEnv} env
 * @throws GatewayError `key_missing`, which names every variable that is not set
 */
export function checkKeys(config, env) {
  const missing = [...keyVariables(config)].filter(([variable]) => !env[variable]);
  if (missing.length === 0) return;
  const each = missing.map(([variable, models]) => `${variable} (the key of ${models.join(", ")})`);
  throw new GatewayError(
    "key_missing",
    `not set in the environment: ${each.join("; ")}. Export ${missing.length > 1 ? "them" : "it"}, or take these models out of ${config.path}`,
  );
}

/** A name as a part of a TOML key. @param {string} name */
export function quoted(name) {
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}

function packagedBundle() {
  return fileURLToPath(new URL("../dist/bundle", import.meta.url));
}

/**
 * JSON has neither infinity nor NaN, which TOML has.
 * @param {unknown} value @param {string} path @param {(detail: string) => Error} invalid
 */
function checkNumbers(value, path, invalid) {
  if (typeof value === "number" && !Number.isFinite(value)) throw invalid(`${path} is ${value}: expected a number`);
  if (typeof value !== "object" || value === null) return;
  for (const [name, part] of Object.entries(value)) checkNumbers(part, path ? `${path}.${name}` : name, invalid);
}
