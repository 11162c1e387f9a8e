// workerd: a fresh process and isolate for each measurement. What is measured is sent to the Worker
// beforehand, so that its bytes are in memory.

/** @import { Host } from "../in-process/measure.mjs" */
/** @import { Entry, Job } from "../job.mjs" */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { Miniflare } from "miniflare";

import { bundleFiles, packageModules, ROOT, readJson } from "../../tests/hosts/paths.mjs";
import { graphs } from "../job.mjs";
import { PEER_WASM } from "../wasm-files.mjs";
import { progress } from "./child.mjs";

const MAIN = "bench/hosts/workerd/worker.mjs";
const TOKENIZERS = "bench/peers/node_modules/@huggingface/tokenizers/dist/tokenizers.mjs";
const MODULES = [
  MAIN,
  "bench/hosts/workerd/peer.mjs",
  "bench/in-process/contestants.mjs",
  "bench/in-process/measure.mjs",
  "bench/in-process/onnx-runtime.mjs",
  "bench/in-process/wasm-memories.mjs",
  "bench/peers/tokenizer.mjs",
  "bench/turns.mjs",
  "node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs",
  PEER_WASM,
];
/** The folder of the engine's modules and their binding. */
const ENGINE = "router-wasm/js/pkg";
/** workerd's clock must show at least this share of what passed outside. */
const CLOCK = 0.8;

/** @type {Host} */
export const workerd = {
  about: "workerd",
  versions: async () => ({ workerd: readJson(join(ROOT, "node_modules/workerd/package.json")).version }),
  /** The clock tells milliseconds: fifty steps of it. */
  limits: { sample: 50 },
  async turns({ cases, ...job }) {
    const worker = await start(job);
    try {
      await checkClock(worker);
      const rows = [];
      for (const [number, one] of cases.entries()) {
        progress(one.tokens);
        const row = await worker.ask("measure/turns", { ...job, cases: [one], number });
        rows.push(row);
      }
      return rows;
    } finally {
      await worker.close();
    }
  },
  cold: (job) => once("cold", job),
  memory: (job) => once("memory", job),
};

/**
 * JavaScript and wasm of a folder, from the clone's root.
 * @param {string} folder
 */
function modulesIn(folder) {
  const names = readdirSync(join(ROOT, folder)).filter((name) => /\.(js|wasm)$/.test(name));
  return names.map((name) => `${folder}/${name}`);
}

/** @param {"cold" | "memory"} measure @param {Job} job */
async function once(measure, job) {
  const worker = await start(job);
  try {
    return await worker.ask(`measure/${measure}`, job);
  } finally {
    await worker.close();
  }
}

/** @param {Pick<Entry, "bundle" | "models">} job */
async function start({ bundle, models }) {
  const modules = [...MODULES, ...packageModules(), ...modulesIn(ENGINE)];
  if (existsSync(join(ROOT, TOKENIZERS))) modules.push(TOKENIZERS);
  const miniflare = new Miniflare({
    rootPath: ROOT,
    modulesRoot: ROOT,
    modules: modules.map((path) => ({
      type: path.endsWith(".wasm") ? "CompiledWasm" : "ESModule",
      path: join(ROOT, path),
    })),
    compatibilityDate: "2026-06-01",
    host: "127.0.0.1",
  });
  const url = await miniflare.ready;
  const ask = async (/** @type {string} */ path, /** @type {string | Uint8Array<ArrayBuffer>} */ body) => {
    const response = await fetch(new URL(path, url), { method: "POST", body });
    const text = await response.text();
    if (!response.ok) throw new Error(`workerd, ${path}: ${text}`);
    return JSON.parse(text);
  };
  for (const [name, bytes] of Object.entries(bundleFiles(bundle))) await ask(`files/${name}`, bytes);
  for (const [name, bytes] of Object.entries(graphs(models))) await ask(`models/${name}`, bytes);
  return {
    ask: (/** @type {string} */ path, /** @type {object} */ job) => ask(path, JSON.stringify(job)),
    close: () => miniflare.dispose(),
  };
}

/**
 * A deployed Worker's clock stands still while it computes; this one's must not.
 * @param {Awaited<ReturnType<typeof start>>} worker
 */
async function checkClock(worker) {
  const start = performance.now();
  const { inside } = await worker.ask("clock", {});
  const outside = performance.now() - start;
  if (inside < CLOCK * outside) {
    throw new Error(`workerd's clock showed ${inside} ms of ${outside.toFixed(0)}: its times are worth nothing`);
  }
}
