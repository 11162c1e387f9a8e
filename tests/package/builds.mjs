// Pages made of the installed package by each bundler, once a process, with no more configuration than
// the package's README asks for.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import * as esbuild from "esbuild";
import * as vite from "vite";
import webpack from "webpack";

import { html, script } from "./page.mjs";
import { project } from "./packed.mjs";

const once = (make) => {
  let made;
  return () => (made ??= make());
};

/** @returns {Promise<string>} the folder to serve */
export const withVite = once(async () => {
  const root = await project({ "index.html": html("./main.js"), "main.js": script() });
  await vite.build({ root, base: "./", configFile: false, logLevel: "error", build: { target: "es2022" } });
  return join(root, "dist");
});

export const withWebpack = once(async () => {
  const root = await project({ "main.js": script() });
  const stats = await promisify(webpack)({
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
});

export const withEsbuild = once(async () => {
  // esbuild leaves `new URL("file", import.meta.url)` as it is: the files are named to it.
  const root = await project({
    "main.js": script({
      imports: `
        import bundle from "switchyard-router/default-bundle.bin";
        import wasm from "switchyard-router/wasm";
        const at = (file) => new URL(file, import.meta.url);`,
      load: "Router.load(at(bundle), { wasm: at(wasm) })",
      loadThread: `RouterWorker.load(at(bundle), { wasm: at(wasm), worker: at("./router-thread.js") })`,
    }),
  });
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: { main: "./main.js", "router-thread": "switchyard-router/worker-thread" },
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
});
