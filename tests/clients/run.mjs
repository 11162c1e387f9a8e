// Runs a program in folders of its own, without the caller's settings, and ends all that it started.

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";

const LIMIT_MS = 60_000;

/**
 * A user's folder and a work folder. In paths `~/` begins one in the user's folder.
 * @typedef {Awaited<ReturnType<typeof folders>>} Folders
 */
export async function folders() {
  const root = await mkdtemp(join(tmpdir(), "pointsman-client-"));
  const [home, work] = [join(root, "home"), join(root, "work")];
  await mkdir(home);
  await mkdir(work);
  const expanded = (/** @type {string} */ path) => (path.startsWith("~/") ? join(home, path.slice(2)) : path);
  return {
    home,
    work,
    expanded,
    write: async (/** @type {Record<string, string>} */ files) => {
      for (const [name, text] of Object.entries(files)) {
        const path = resolve(work, expanded(name));
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, text);
      }
    },
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 5 }),
  };
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
      if (signal)
        failed(
          new Error(`${program} ${args.join(" ")} ended by ${signal}, perhaps after ${LIMIT_MS} ms: ${result.all}`),
        );
      else ended({ code, ...result });
    });
  });
}
