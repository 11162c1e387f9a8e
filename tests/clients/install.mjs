// Fetches the programs of tests/clients/programs into the cache folder: `node tests/clients/install.mjs`.
//
// npm takes the packages of this system alone, in the lock file's versions; pip takes pinned versions. It is not
// `npm ci`, which refuses a lock file without the packages of every system, and a registry may lack those of some.
// Of npm's packages only those in SCRIPTS may run their install script, which puts their binary in its place.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = join(dirname(fileURLToPath(import.meta.url)), "programs");
const FILES = ["package.json", "package-lock.json", "requirements.txt", ".npmrc"];
const SCRIPTS = ["@anthropic-ai/claude-code", "opencode-ai"];

/** The folder of the programs: another one for other versions. */
export function programsFolder() {
  const hash = createHash("sha256");
  for (const name of FILES) hash.update(readFileSync(join(HERE, name)));
  return join(cacheRoot(), "tools", `clients-${hash.digest("hex").slice(0, 10)}`);
}

/** The cache folder, as `cargo xtask` finds it (xtask/src/cache.rs). */
function cacheRoot() {
  const { POINTSMAN_CACHE: ours, XDG_CACHE_HOME: caches } = process.env;
  if (ours) return ours;
  if (caches) return join(caches, "pointsman");
  return join(homedir(), process.platform === "darwin" ? "Library/Caches" : ".cache", "pointsman");
}

/** Installs the programs, unless they are, and returns their folder. */
export function install() {
  const place = programsFolder();
  if (existsSync(place)) return place;
  const scratch = `${place}.unfinished`;
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  for (const name of FILES) cpSync(join(HERE, name), join(scratch, name));
  /** @type {import("node:child_process").ExecFileSyncOptions} */
  const here = { cwd: scratch, stdio: ["ignore", "ignore", "inherit"] };
  execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], here);
  execFileSync("npm", ["rebuild", ...SCRIPTS, "--ignore-scripts=false", "--loglevel=error"], here);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
  execFileSync(
    "python3",
    [...pip, "--root-user-action=ignore", "--target", "python", "--requirement", "requirements.txt"],
    here,
  );
  renameSync(scratch, place);
  return place;
}

/**
 * The environment in which the programs of a folder are found.
 * @param {string} place
 */
export const environmentOf = (place) => ({
  PATH: [join(place, "node_modules/.bin"), join(place, "python/bin"), process.env.PATH].join(delimiter),
  PYTHONPATH: join(place, "python"),
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`clients: ${existsSync(programsFolder()) ? "at" : "installing into"} ${programsFolder()}`);
  install();
}
