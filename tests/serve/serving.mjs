// The gateway's package as users get it: both packages packed once per process, in a fresh folder, and the command
// started there.

/** @import { ChildProcess } from "node:child_process" */

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { after } from "node:test";

import { ROOT } from "../hosts/paths.mjs";
import { run } from "../package/packed.mjs";

export const GATEWAY_PACKAGE = join(ROOT, "worker/serve");
const ROUTER_PACKAGE = join(ROOT, "router-wasm/js");
const MODULES = join(ROOT, "node_modules");
/** What the packages need of the registry, linked from the clone. */
const DEPENDENCIES = ["workerd", "smol-toml"];
/** How long a command may take to say or do what a test waits for, in ms. */
const LIMIT_MS = 60_000;

export const scratch = await mkdtemp(join(tmpdir(), "pointsman-serve-"));
/** @type {Set<ChildProcess>} */
const running = new Set();
after(async () => {
  for (const { pid } of running) process.kill(-Number(pid), "SIGKILL");
  await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
});

/** The tarball of the gateway's package. */
export const tarball = await packed(GATEWAY_PACKAGE);
/** A folder in which both packages are installed. */
export const installed = await install();

/** @param {string} folder @returns {Promise<{path: string, size: number, files: {path: string}[]}>} */
async function packed(folder) {
  if (folder === GATEWAY_PACKAGE) await run(process.execPath, ["assemble.mjs"], { cwd: folder });
  const listing = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", scratch], {
    cwd: folder,
  });
  const { filename, size, files } = /** @type {any} */ (Object.values(JSON.parse(listing))[0]);
  return { path: join(scratch, filename), size, files };
}

async function install() {
  const folder = join(scratch, "installed");
  const router = await packed(ROUTER_PACKAGE);
  for (const [name, { path }] of Object.entries({ pointsman: router, "pointsman-gateway": tarball })) {
    const place = join(folder, "node_modules", name);
    await mkdir(place, { recursive: true });
    await run("tar", ["-xzf", path, "-C", place, "--strip-components=1"]);
  }
  for (const name of DEPENDENCIES) await symlink(join(MODULES, name), join(folder, "node_modules", name));
  const commands = { pointsman: "src/entry/command.js", "pointsman-gateway": "src/command.mjs" };
  await mkdir(join(folder, "node_modules/.bin"));
  for (const [name, file] of Object.entries(commands)) {
    const path = join(folder, "node_modules", name, file);
    await run("chmod", ["+x", path]);
    await symlink(path, join(folder, "node_modules/.bin", name));
  }
  await writeFile(join(folder, "package.json"), '{"name": "user", "version": "1.0.0", "private": true}\n');
  return folder;
}

let folders = 0;

/**
 * A fresh folder below the one with the packages, with a configuration.
 * @param {string} [toml]
 */
export async function place(toml) {
  folders += 1;
  const folder = join(installed, `place-${folders}`);
  await mkdir(folder);
  if (toml !== undefined) await writeFile(join(folder, "pointsman.toml"), toml);
  return folder;
}

/**
 * Two models at an upstream, of which the strong one is ten times as dear.
 * @param {string} baseUrl
 * @param {string} more lines in front
 * @param {string} fields of both models
 */
export const twoModels = (baseUrl, more = "", fields = "") => `${more}
[upstreams.large]
baseUrl = "${baseUrl}"
keySecret = "THERE_KEY"
inputPrice = 10.0
outputPrice = 40.0
${fields}
[upstreams.small]
baseUrl = "${baseUrl}"
keySecret = "THERE_KEY"
inputPrice = 1.0
outputPrice = 4.0
${fields}
`;

/**
 * @typedef {object} Running
 * @property {ChildProcess} child
 * @property {() => string} out what it printed
 * @property {() => string} err
 * @property {(pattern: RegExp) => Promise<RegExpExecArray>} says waits until what it printed matches
 * @property {Promise<number | null>} ended resolves to the exit code
 */

/**
 * Starts `pointsman` with these words.
 * @param {string} folder
 * @param {string[]} words
 * @param {{env?: Record<string, string>, command?: string[]}} options
 * @returns {Running}
 */
export function start(folder, words, { env = {}, command = [join(installed, "node_modules/.bin/pointsman")] } = {}) {
  const path = [dirname(process.execPath), process.env.PATH ?? ""].join(":");
  const [program, ...first] = command;
  const child = spawn(program, [...first, ...words], {
    cwd: folder,
    env: { PATH: path, HOME: folder, TMPDIR: scratch, THERE_KEY: "sk-there", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, to which signals go as those of a terminal do.
    detached: true,
  });
  running.add(child);
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (piece) => {
    out += piece;
  });
  child.stderr.setEncoding("utf8").on("data", (piece) => {
    err += piece;
  });
  const ended = new Promise((resolve) => {
    child.on("close", (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  const says = async (/** @type {RegExp} */ pattern) => {
    const end = performance.now() + LIMIT_MS;
    for (;;) {
      const found = pattern.exec(out) ?? pattern.exec(err);
      if (found) return found;
      if (child.exitCode !== null || performance.now() > end)
        throw new Error(`it did not say ${pattern}, exit code ${child.exitCode}:\n${out}\n${err}`);
      await new Promise((next) => setTimeout(next, 10));
    }
  };
  return { child, out: () => out, err: () => err, says, ended };
}

/**
 * Runs `pointsman` to its end.
 * @param {string} folder @param {string[]} words @param {Parameters<typeof start>[2]} options
 */
export async function finished(folder, words, options = {}) {
  const { ended, out, err } = start(folder, words, options);
  const code = await ended;
  return { code, out: out(), err: err() };
}

/**
 * Starts `pointsman serve` on a free port and waits for its address.
 * @param {string} folder @param {string[]} [words] @param {Parameters<typeof start>[2]} [options]
 */
export async function serving(folder, words = ["--port", "0"], options = {}) {
  const command = start(folder, ["serve", ...words], options);
  const [, url] = await command.says(/base URL (http:\/\/[^ ]+)\/v1/);
  const chat = (/** @type {string} */ content, /** @type {Record<string, string>} */ headers = {}, fields = {}) =>
    fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ model: "auto", messages: [{ role: "user", content }], ...fields }),
    });
  const stop = async (/** @type {NodeJS.Signals} */ signal = "SIGINT") => {
    process.kill(-Number(command.child.pid), signal);
    return command.ended;
  };
  return { ...command, url, chat, stop };
}

/** The processes of workerd that were started with a configuration below a folder. @param {string} folder */
export async function workerdsOf(folder) {
  const found = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    // The supervisor has the same arguments, behind its own.
    if (line.includes(folder) && /^[^\0]*workerd\0/.test(line)) found.push(Number(pid));
  }
  return found;
}

/** @param {() => Promise<boolean>} holds @param {string} what */
export async function eventually(holds, what) {
  const end = performance.now() + LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what} did not happen`);
    await new Promise((next) => setTimeout(next, 50));
  }
}
