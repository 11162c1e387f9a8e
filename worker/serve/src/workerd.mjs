// Starts workerd under a supervisor, and stops it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { GatewayError, messageOf } from "./error.mjs";

/** @import { ChildProcess } from "node:child_process" */
/** @import { Readable } from "node:stream" */

/**
 * @typedef {object} Workerd
 * @property {number} port
 * @property {number} pid of the supervisor
 * @property {Promise<number>} ended resolves to the exit code
 * @property {(signal: "SIGTERM" | "SIGKILL") => void} end SIGTERM lets requests in flight end
 */

const SUPERVISOR = fileURLToPath(new URL("supervisor.mjs", import.meta.url));
/** Variables of the system that workerd may need; it gets no other ones but those of `env`. */
const SYSTEM = ["PATH", "HOME", "TMPDIR", "TEMP", "TMP", "SystemRoot", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/**
 * @param {{config: string, imports: string, env: Record<string, string>, onLine: (line: string) => void}} options
 *   the file of its configuration, the folder from which that imports, and a function that receives each line it logs
 * @returns {Promise<Workerd>} once it listens
 * @throws GatewayError `workerd_missing`, `workerd_failed`
 */
export async function startWorkerd({ config, imports, env, onLine }) {
  const system = SYSTEM.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  const serve = ["serve", config, "config", `-I${imports}`, "--control-fd=3"];
  const child = spawn(process.execPath, [SUPERVISOR, binary(), ...serve], {
    stdio: ["ignore", "pipe", "pipe", "ipc", "pipe"],
    env: { ...Object.fromEntries(system), ...env },
    detached: true,
    windowsHide: true,
  });
  /** @type {string[]} */
  const last = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: /** @type {Readable} */ (stream) }).on("line", (line) => {
      last.push(line);
      if (last.length > 20) last.shift();
      onLine(line);
    });
  }
  const ended = once(child, "exit").then(([code]) => Number(code ?? 1));
  const port = await Promise.race([listening(child), ended.then(() => undefined)]);
  if (port === undefined)
    throw new GatewayError("workerd_failed", `workerd ended before it listened:\n${last.join("\n")}`);
  // A handle that is open must not keep the command running once workerd has ended.
  ended.then(() => child.connected && child.disconnect());
  const end = (/** @type {string} */ signal) => void (child.connected && child.send(signal));
  return { port, pid: Number(child.pid), ended, end };
}

/** Waits for the event by which workerd tells its port. @param {ChildProcess} child @returns {Promise<number>} */
function listening(child) {
  return new Promise((resolve) => {
    const control = createInterface({ input: /** @type {Readable} */ (child.stdio[4]) });
    control.on("line", (line) => {
      const { event, port } = JSON.parse(line);
      if (event === "listen") resolve(port);
    });
  });
}

/** The path of the program for this system, which the npm package workerd finds. */
function binary() {
  try {
    return createRequire(import.meta.url)("workerd").default;
  } catch (error) {
    const message = `the npm package workerd has no program for ${process.platform} ${process.arch}: ${messageOf(error)}. Install pointsman-gateway again without --omit=optional`;
    throw new GatewayError("workerd_missing", message);
  }
}
