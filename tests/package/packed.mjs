// The npm package as users get it: packed once per process and installed into new projects.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";

import { ROOT } from "../hosts/paths.mjs";

export const PACKAGE = join(ROOT, "router-wasm/js");
const MODULES = join(ROOT, "node_modules");
const NPM = "npm";

const scratch = await mkdtemp(join(tmpdir(), "pointsman-package-"));
after(() => rm(scratch, { recursive: true, force: true }));

/** @typedef {{path: string, files: {path: string, size: number}[]}} Packed the tarball, and the files in it */

/** @type {Promise<Packed> | undefined} */
let tarball;
let projects = 0;

/**
 * Runs a command in a project; returns its output, or throws an error with it.
 * @param {string} command
 * @param {string[]} words
 * @param {import("node:child_process").ExecFileOptions} options
 */
export async function run(command, words, options = {}) {
  const { stdout } = await promisify(execFile)(command, words, { maxBuffer: 64 << 20, ...options });
  return String(stdout);
}

/** The path of a program of the clone's packages. */
export const program = (/** @type {string} */ name) => join(MODULES, ".bin", name);

/** The tarball. */
export function packed() {
  tarball ??= run(NPM, ["pack", "--json", "--ignore-scripts", "--pack-destination", scratch], { cwd: PACKAGE })
    .then((listing) => Object.values(JSON.parse(listing))[0])
    .then(({ filename, files }) => ({ path: join(scratch, filename), files }));
  return tarball;
}

/**
 * Makes a project with the package installed from its tarball.
 * @param {Record<string, string>} files by path
 * @param {{modules?: string[], manifest?: object}} options packages of the clone to link into the
 *   project, and further fields of its package.json
 * @returns {Promise<string>} its folder
 */
export async function project(files, { modules = [], manifest = {} } = {}) {
  projects += 1;
  const folder = join(scratch, `project-${projects}`);
  const { path } = await packed();
  const own = { name: "consumer", version: "1.0.0", private: true, type: "module", ...manifest };
  await writeAll(folder, { "package.json": JSON.stringify(own), ...files });
  await run(NPM, ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", path], {
    cwd: folder,
  });
  for (const name of modules) {
    const link = join(folder, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(MODULES, name), link);
  }
  return folder;
}

/** Copies the package's sources, for a second engine; returns the folder. */
export async function copyOfPackage() {
  projects += 1;
  const folder = join(scratch, `copy-${projects}`);
  await cp(PACKAGE, folder, { recursive: true });
  return folder;
}

/** @param {string} folder @param {Record<string, string>} files by path */
export async function writeAll(folder, files) {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}
