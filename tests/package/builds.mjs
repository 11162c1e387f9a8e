// Builds of the installed package for each host, made once per process, with only the configuration that the
// package's README states.

import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

import * as esbuild from "esbuild";
import * as vite from "vite";
import webpack from "webpack";
import { program, project, run } from "./packed.mjs";
import { html, script } from "./page.mjs";

/** The compatibility date of the tests' Workers. */
export const COMPATIBILITY_DATE = "2026-06-01";

/** @type {(make: (thread: boolean) => Promise<string>) => (options?: {thread?: boolean}) => Promise<string>} */
const once = (make) => {
  /** @type {Map<boolean, Promise<string>>} */
  const made = new Map();
  return ({ thread = true } = {}) => {
    const folder = made.get(thread) ?? make(thread);
    made.set(thread, folder);
    return folder;
  };
};

/** @type {(options: import("webpack").Configuration) => Promise<import("webpack").Stats>} */
const bundled = (options) =>
  new Promise((resolve, reject) => {
    webpack(options, (error, stats) => (stats ? resolve(stats) : reject(error)));
  });

/**
 * Builds of pages that route, with and without a thread; each returns the folder to serve.
 * @type {Record<string, (options?: {thread?: boolean}) => Promise<string>>}
 */
export const PAGES = {
  Vite: once(async (thread) => {
    const root = await project({ "index.html": html("./main.js"), "main.js": script({ thread }) });
    await vite.build({ root, base: "./", configFile: false, logLevel: "error", build: { target: "es2022" } });
    return join(root, "dist");
  }),

  webpack: once(async (thread) => {
    const root = await project({ "main.js": script({ thread }) });
    const stats = await bundled({
      context: root,
      mode: "production",
      entry: "./main.js",
      output: { path: join(root, "dist"), filename: "main.js", module: true, chunkFormat: "module" },
      experiments: { outputModule: true },
      target: ["web", "es2022"],
      performance: false,
    });
    if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString());
    await writeFile(join(root, "dist/index.html"), html("./main.js"));
    return join(root, "dist");
  }),

  esbuild: once(async (thread) => {
    // esbuild does not follow `new URL("file", import.meta.url)`, so the files are named explicitly.
    const root = await project({
      "main.js": script({
        thread,
        imports: `
          import bundle from "pointsman/default-bundle.bin";
          import wasm from "pointsman/wasm";
          const at = (file) => new URL(file, import.meta.url);`,
        load: "Router.load(at(bundle), { wasm: at(wasm) })",
        loadThread: `RouterWorker.load(at(bundle), { wasm: at(wasm), worker: at("./router-thread.js") })`,
      }),
    });
    await esbuild.build({
      absWorkingDir: root,
      entryPoints: { main: "./main.js", ...(thread ? { "router-thread": "pointsman/worker-thread" } : {}) },
      outdir: "dist",
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      loader: { ".wasm": "file", ".bin": "file" },
      logLevel: "silent",
    });
    await writeFile(join(root, "dist/index.html"), html("./main.js"));
    return join(root, "dist");
  }),
};

/**
 * Bundles a Worker as wrangler would deploy it.
 * @param {string} main its main module
 * @returns {Promise<{folder: string, names: string[]}>} the modules, the main one first
 */
export async function withWrangler(main) {
  const root = await project({
    "index.js": main,
    "wrangler.json": JSON.stringify({ name: "consumer", main: "index.js", compatibility_date: COMPATIBILITY_DATE }),
  });
  const folder = join(root, "sent");
  await run(program("wrangler"), ["deploy", "--dry-run", "--outdir", folder], {
    cwd: root,
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: join(root, "logs"), CI: "true" },
  });
  const names = (await readdir(folder)).filter((name) => /\.(js|wasm|bin)$/.test(name));
  return { folder, names: names.sort((a, b) => Number(b === "index.js") - Number(a === "index.js")) };
}

/**
 * A Worker's main module that answers with the value that `body` returns, or with the error.
 * @type {(imports: string, body: string) => string}
 */
export const worker = (imports, body) => `
  import { Router, RouterError } from "pointsman";
  ${imports}
  export default {
    async fetch() {
      try {
        ${body}
      } catch (error) {
        return Response.json({ typed: error instanceof RouterError, code: error.code, message: error.message });
      }
    },
  };`;
