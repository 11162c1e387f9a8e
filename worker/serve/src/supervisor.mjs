// Runs workerd for a command and ends it with that command, however it ends: `supervisor.mjs WORKERD ARGUMENT...`.
//
// The command starts this process in a group of its own, so that Ctrl-C in a terminal reaches the command alone,
// which lets requests in flight end. A command that is killed cannot stop workerd, but closes its channel to this
// process, which then does.

import { spawn } from "node:child_process";
import process from "node:process";

/** How long requests in flight have after the command was killed, in milliseconds. */
const GRACE_MS = 5000;

const [program, ...args] = process.argv.slice(2);
// File descriptor 4 of this process is workerd's control channel, on which it tells its port.
const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit", 4], windowsHide: true });

child.on("error", (error) => {
  console.error(`workerd: ${error.message}`);
  process.exit(127);
});
child.on("exit", (code, signal) => process.exit(code ?? (signal ? 128 : 1)));
process.on("message", (signal) => child.kill(/** @type {NodeJS.Signals} */ (signal)));
process.on("disconnect", () => {
  child.kill("SIGTERM");
  setTimeout(() => child.kill("SIGKILL"), GRACE_MS).unref();
});
for (const signal of /** @type {const} */ (["SIGINT", "SIGHUP"])) process.on(signal, () => {});
