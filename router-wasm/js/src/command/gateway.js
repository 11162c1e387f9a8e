// The commands of the gateway, which is the package `pointsman-gateway`: workerd is large, and a router needs none.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

import { VERSION } from "../version.js";

/** A query of one of these words alone is given behind `--`. */
export const GATEWAY_COMMANDS = ["serve", "doctor", "claude", "codex", "opencode"];

const PACKAGE = "pointsman-gateway";
const SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/**
 * Runs a command of the installed package, or of this package's version with npx.
 * @param {string[]} words
 * @returns {Promise<number>} the exit code
 */
export async function runGateway(words) {
  const installed = installedCommand();
  if (installed !== undefined) {
    process.argv = [process.execPath, installed, ...words];
    // It ends the process by itself, with its own exit code.
    await import(pathToFileURL(installed).href);
  }
  process.stderr.write(`pointsman: fetching ${PACKAGE}@${VERSION} with npx\n`);
  const child = spawn("npx", ["--yes", `${PACKAGE}@${VERSION}`, ...words], {
    stdio: "inherit",
    // npm's commands are scripts of the shell there.
    shell: process.platform === "win32",
  });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  const [code, signal] = await once(child, "exit");
  return code ?? 128 + constants.signals[/** @type {NodeJS.Signals} */ (signal)];
}

/** The file of the command, as installed beside the project or beside this package. */
function installedCommand() {
  for (const from of [join(process.cwd(), "package.json"), import.meta.url]) {
    try {
      const manifest = createRequire(from).resolve(`${PACKAGE}/package.json`);
      const { bin } = JSON.parse(readFileSync(manifest, "utf8"));
      return join(dirname(manifest), bin[PACKAGE]);
    } catch {
      // It is not installed there.
    }
  }
  return undefined;
}
