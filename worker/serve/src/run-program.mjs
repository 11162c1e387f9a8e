// Runs a coding agent behind a gateway on a free port, or behind the one that uses the same folder of ledgers.

import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import process from "node:process";

import { lineOf, summary } from "./decisions.mjs";
import { GatewayError } from "./error.mjs";
import { startGateway } from "./gateway.mjs";
import { holderOf } from "./lock.mjs";
import { isRouted, PROGRAMS } from "./programs.mjs";
import { enter } from "./users.mjs";

/** @import { Config } from "./config.mjs" */
/** @import { Program } from "./programs.mjs" */

const DECISIONS = "decisions.txt";

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Config} config
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the program's exit code
 */
export async function runProgram(command, args, config, env) {
  const program = PROGRAMS[command];
  if (!isRouted(program, config)) {
    const names = `"${program.asksFor}*"`;
    const message = `${program.name} asks for models named ${names}, which ${config.path} does not route: add the lines\n[gateway.aliases]\n${names} = "auto"`;
    throw new GatewayError("alias_missing", message);
  }
  const key = config.keys ? env.POINTSMAN_KEY : "local";
  if (!key) {
    const message = `${config.path} has keys, and POINTSMAN_KEY is not set: export one of these keys as POINTSMAN_KEY`;
    throw new GatewayError("key_missing", message);
  }
  const holder = holderOf(config.dataFolder);
  const shared = holder?.url && holder.hash === config.hash ? holder.url : undefined;
  if (shared) {
    const users = enter(config.dataFolder);
    try {
      return await run(program, command, args, { url: shared, key, env });
    } finally {
      users.leave();
    }
  }
  const decisions = { current: /** @type {import("node:fs").WriteStream | undefined} */ (undefined) };
  const write = (/** @type {string} */ line) => {
    decisions.current ??= createWriteStream(join(config.dataFolder, DECISIONS), { flags: "a" });
    decisions.current.write(`${line}\n`);
  };
  const gateway = await startGateway({ ...config, port: 0 }, env, {
    onDecision: (point, saved) => write(lineOf(point, saved, new Date())),
    onLog: (line) => write(`worker: ${line}`),
  });
  const users = enter(config.dataFolder);
  try {
    const code = await run(program, command, args, { url: gateway.url, key, env });
    users.leave();
    await users.alone(() => console.error("pointsman: another program uses this gateway, which ends with it"));
    return code;
  } finally {
    users.leave();
    await gateway.stop();
    console.error(`pointsman: ${summary(gateway.totals, gateway.strong)} (${join(config.dataFolder, DECISIONS)})`);
  }
}

/**
 * @param {Program} program
 * @param {string} command
 * @param {string[]} args
 * @param {{url: string, key: string, env: NodeJS.ProcessEnv}} where
 * @returns {Promise<number>}
 */
function run(program, command, args, { url, key, env }) {
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !program.without.includes(name)));
  const child = spawn(command, [...program.args(url), ...args], {
    stdio: "inherit",
    env: { ...kept, ...program.env(url, key) },
    // npm installs commands as scripts of the shell there.
    shell: process.platform === "win32",
  });
  // A terminal sends Ctrl-C to the program itself, which decides what it means.
  const interrupt = () => void (process.stdin.isTTY || child.kill("SIGINT"));
  const pass = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", pass);
  process.on("SIGHUP", pass);
  return new Promise((resolve, reject) => {
    child.on("error", (error) => {
      const isMissing = /** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT";
      const message = isMissing
        ? `${command} is not on the PATH: install it with npm install --global ${program.from}`
        : `${command} cannot be started: ${error.message}`;
      reject(new GatewayError("program_missing", message));
    });
    child.on("exit", (code, signal) => {
      process.off("SIGINT", interrupt);
      process.off("SIGTERM", pass);
      process.off("SIGHUP", pass);
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0));
    });
  });
}
