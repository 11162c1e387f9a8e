// Parses the command's arguments; holds its help text.

import { parseArgs } from "node:util";

import { GatewayError, messageOf } from "./error.mjs";
import { suggestion } from "./nearest.mjs";
import { PROGRAMS } from "./programs.mjs";

/** @typedef {{config?: string, port?: number, host?: string, bundle?: string, dryRun: boolean, init: boolean}} Options */
/**
 * @typedef {{command: "help" | "version"} | {command: "serve" | "doctor", options: Options} |
 *   {command: "new-key", name: string} | {command: "program", program: string, args: string[]}} Task
 */

export const HELP = `Runs the Pointsman gateway on this machine: it routes each LLM request to a strong or a weak model.

Usage:
  pointsman serve [options]          start the gateway
  pointsman serve --init             write pointsman.toml from the API keys in the environment
  pointsman doctor [options]         check the configuration, keys, upstreams, port, folders and bundle
  pointsman claude [argument...]     start the gateway on a free port, and Claude Code with it
  pointsman codex [argument...]      the same with Codex
  pointsman opencode [argument...]   the same with opencode
  pointsman-gateway new-key NAME     make a key of the gateway, for callers from other machines

Options:
  --config FILE   the configuration (default: $POINTSMAN_CONFIG, else ./pointsman.toml, else
                  pointsman/pointsman.toml in the user's folder of configurations)
  --port N        the port, 0 for a free one (default: the configuration's, else 8787)
  --host HOST     the address to listen on (default: the configuration's, else 127.0.0.1)
  --bundle DIR    the bundle that decides (default: the configuration's, else the package's own)
  --dry-run       serve: check everything, print what would be served, and stop
  --init          serve: write the configuration, and stop
  -h, --help      print this
  -V, --version   print the version

Exit codes: 0 ended as asked; 1 the gateway cannot run, or doctor found a fault; 2 wrong usage.
claude, codex and opencode exit with the program's code.`;

const OPTIONS = /** @type {const} */ ({
  config: { type: "string" },
  port: { type: "string" },
  host: { type: "string" },
  bundle: { type: "string" },
  "dry-run": { type: "boolean", default: false },
  init: { type: "boolean", default: false },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "V" },
});

/**
 * @param {string[]} words
 * @returns {Task}
 * @throws GatewayError `usage`
 */
export function argumentsOf(words) {
  const [command, ...rest] = words;
  if (command !== undefined && Object.hasOwn(PROGRAMS, command))
    return { command: "program", program: command, args: rest };
  let parsed;
  try {
    parsed = parseArgs({ args: words, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw usage(messageOf(error));
  }
  const { values, positionals } = parsed;
  if (values.help) return { command: "help" };
  if (values.version) return { command: "version" };
  const [name, ...others] = positionals;
  if (name === "new-key") {
    if (others.length !== 1) throw usage("expected new-key NAME");
    return { command: "new-key", name: others[0] };
  }
  const commands = ["serve", "doctor", "new-key", ...Object.keys(PROGRAMS)];
  if (name === undefined) throw usage(`no command was given: expected one of ${commands.join(", ")}`);
  if (name !== "serve" && name !== "doctor") throw usage(`there is no command ${name}: ${suggestion(name, commands)}`);
  if (others.length > 0) throw usage(`${name} takes no words: found ${others.join(" ")}`);
  const { "dry-run": dryRun, init, config, host, bundle } = values;
  if (name === "doctor" && (dryRun || init)) throw usage(`--${init ? "init" : "dry-run"} is an option of serve alone`);
  if (dryRun && init) throw usage("--dry-run and --init were given: expected one of them");
  return { command: name, options: { config, host, bundle, dryRun, init, port: portOf(values.port) } };
}

/** @param {string | undefined} text */
function portOf(text) {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw usage(`--port is ${JSON.stringify(text)}: expected 1 to 65535, or 0 for a free one`);
}

/** @param {string} message */
function usage(message) {
  return new GatewayError("usage", `${message}\nTry pointsman serve --help`);
}
