// Runs a program in folders of its own, without the caller's settings, and ends all that it started.

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";

const LIMIT_MS = 60_000;

/**
 * Makes a user's folder and a work folder with these files.
 * @param {Record<string, string>} files by path: `~/` begins one in the user's folder
 */
export async function folders(files) {
  const root = await mkdtemp(join(tmpdir(), "pointsman-client-"));
  const home = join(root, "home");
  const place = {
    home,
    work: join(root, "work"),
    expanded: (/** @type {string} */ path) => (path.startsWith("~/") ? join(home, path.slice(2)) : path),
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 5 }),
  };
  await mkdir(place.home);
  await mkdir(place.work);
  for (const [name, text] of Object.entries(files)) {
    const path = resolve(place.work, place.expanded(name));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  return place;
}

/**
 * Runs a command to its end. What outlives it in its process group is killed.
 * @param {string[]} command the program and its arguments
 * @param {{home: string, work: string, env: Record<string, string>}} where
 * @returns {Promise<{code: number | null, out: string, all: string}>} `all` has standard error too
 */
export function run([program, ...args], { home, work, env }) {
  const path = [dirname(process.execPath), process.env.PATH ?? ""].join(delimiter);
  return new Promise((ended, failed) => {
    const child = spawn(program, args, {
      cwd: work,
      env: { PATH: path, HOME: home, LANG: "C.UTF-8", NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const result = { out: "", all: "" };
    const killAll = () => {
      try {
        process.kill(-Number(child.pid), "SIGKILL");
      } catch {
        // The group has ended.
      }
    };
    const limit = setTimeout(killAll, LIMIT_MS);
    child.on("error", (error) => {
      clearTimeout(limit);
      failed(error);
    });
    child.stdout.on("data", (chunk) => {
      result.out += chunk;
      result.all += chunk;
    });
    child.stderr.on("data", (chunk) => {
      result.all += chunk;
    });
    child.on("exit", killAll);
    child.on("close", (code, signal) => {
      clearTimeout(limit);
      if (signal) failed(new Error(`${program} ${args.join(" ")} ended by ${signal}, perhaps after ${LIMIT_MS} ms: ${result.all}`));
      else ended({ code, ...result });
    });
  });
}
