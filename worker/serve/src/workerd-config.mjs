// Writes workerd's configuration as Cap'n Proto text. It holds no key: workerd takes those from its environment.

import { readdirSync } from "node:fs";
import { join } from "node:path";

/** A text, JSON, or the text of an environment variable. @typedef {{name: string, text?: string, json?: string, variable?: string}} Value */
/**
 * @typedef {object} Layout
 * @property {string} dist the folder of modules
 * @property {string} bundle
 * @property {string} objects the folder of Durable Objects
 * @property {string | undefined} logFolder
 * @property {string} address host and port
 * @property {Value[]} values
 */

const COMPATIBILITY_DATE = "2026-06-01";
const MAIN = "serve/workerd/entry.mjs";
/** Names the ledgers' files; another one begins empty ledgers. */
const LEDGER_KEY = "pointsman-ledger";

/** @param {Layout} layout */
export function workerdConfig({ dist, bundle, objects, logFolder, address, values }) {
  const disks = [
    disk("bundle", bundle, false),
    disk("objects", objects, true),
    ...(logFolder ? [disk("log", logFolder, true)] : []),
  ];
  const bindings = [
    `(name = "ASSETS", service = "bundle")`,
    `(name = "LEDGER", durableObjectNamespace = "Ledger")`,
    ...(logFolder ? [`(name = "LOG_FOLDER", service = "log")`] : []),
    ...values.map(({ name, ...value }) => {
      const [[field, text]] = Object.entries(value);
      const kind = field === "variable" ? "fromEnvironment" : field;
      return `(name = ${quoted(name)}, ${kind} = ${quoted(text)})`;
    }),
  ];
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "gateway", worker = .gateway),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
    ${disks.join(",\n    ")}
  ],
  sockets = [(name = "http", address = ${quoted(address)}, http = (), service = "gateway")]
);

const gateway :Workerd.Worker = (
  modules = [
    ${modulesOf(dist).join(",\n    ")}
  ],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  compatibilityFlags = ["enable_request_signal"],
  bindings = [
    ${bindings.join(",\n    ")}
  ],
  durableObjectNamespaces = [(className = "Ledger", uniqueKey = "${LEDGER_KEY}", enableSql = true)],
  durableObjectStorage = (localDisk = "objects")
);
`;
}

/** @param {string} name @param {string} path @param {boolean} writable */
function disk(name, path, writable) {
  return `(name = "${name}", disk = (path = ${quoted(path)}, writable = ${writable}))`;
}

/** The modules, the main one first, found in the folder that workerd imports from. @param {string} dist */
function modulesOf(dist) {
  const names = ["serve", "js", "build"].flatMap((folder) =>
    /** @type {string[]} */ (readdirSync(join(dist, folder), { recursive: true }))
      .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
      .filter((name) => /\.(mjs|js|wasm)$/.test(name)),
  );
  return [MAIN, ...names.filter((name) => name !== MAIN)].map((name) => {
    const type = name.endsWith(".wasm") ? "wasm" : "esModule";
    return `(name = ${quoted(name)}, ${type} = embed ${quoted(`/${name}`)})`;
  });
}

/** A text of Cap'n Proto, whose escapes are C's. @param {string} text */
function quoted(text) {
  let inner = "";
  for (const byte of Buffer.from(text, "utf8")) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    inner += plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `"${inner}"`;
}
