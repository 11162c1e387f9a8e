// The contestants: how each is started in front of the stand-in, and how it is asked.

/** @import { ChildProcess } from "node:child_process" */
/** @import { BundleInfo } from "pointsman" */

import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { Miniflare } from "miniflare";

import { ROOT, readJson } from "../../tests/hosts/paths.mjs";
import { listening } from "../../web/serve.mjs";

// On @hono/node-server from 1.19 on its streams answer 500, so bench/peers pins an earlier one.
const PORTKEY = join(ROOT, "bench/peers/node_modules/@portkey-ai/gateway/build/start-server.js");
const MODEL = "stand-in";
/** Milliseconds after which a gateway that has not started is an error. */
const PATIENCE = 20_000;

/**
 * @typedef {{url: string, model: string, headers: Record<string, string>}} Target what is called, and how
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string} about
 * @property {string} process
 * @property {(upstream: {url: string}) => Promise<Target & {close: () => Promise<unknown>}>} start
 */

/**
 * The stand-in itself.
 * @type {Contestant}
 */
export const direct = {
  name: "direct",
  about: "the stand-in called without a gateway",
  process: "the client and the stand-in, a Node process each",
  start: async ({ url }) => ({ url: `${url}/chat/completions`, model: MODEL, headers: {}, close: async () => {} }),
};

/**
 * Pointsman's Worker with a bundle: every request is routed, then forwarded.
 * @param {string} name
 * @param {string} folder
 * @param {string} clone the Worker of another clone, built, such as an earlier revision
 * @returns {Contestant}
 */
export function pointsman(name, folder, clone = ROOT) {
  /** @type {BundleInfo} */
  const manifest = readJson(join(folder, "router.json"));
  return {
    name,
    about: `Pointsman with the bundle ${manifest.name}: ${manifest.kind}, ${manifest.encoder.tier} encoder`,
    process: "workerd, one process, one isolate, one thread for JavaScript and wasm; the bundle part of the script",
    async start({ url }) {
      const upstreams = Object.fromEntries(manifest.candidates.map(({ id }) => [id, { baseUrl: url }]));
      /** @type {typeof import("../../worker/js/miniflare.mjs")} */
      const { startWorker } = await import(pathToFileURL(resolve(clone, "worker/js/miniflare.mjs")).href);
      const worker = await startWorker({
        bundle: resolve(folder),
        upstreams,
        gateway: { open: true },
        embedded: true,
        alone: true,
        log: (text) => process.stderr.write(text),
      });
      return {
        url: new URL("v1/chat/completions", worker.url).href,
        model: "auto",
        headers: {},
        close: () => worker.miniflare.dispose(),
      };
    },
  };
}

/**
 * What workerd itself costs: a Worker that passes request and answer on unread.
 * @type {Contestant}
 */
export const passing = {
  name: "passing",
  about: "a Worker of three lines that passes everything on unread: what workerd itself costs",
  process: "workerd, one process, one isolate",
  async start({ url }) {
    const script = `export default {
      fetch: ({ method, headers, body }) => fetch("${url}/chat/completions", { method, headers, body }),
    };`;
    const miniflare = new Miniflare({
      modules: true,
      script,
      compatibilityDate: "2026-06-01",
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    });
    await miniflare.ready;
    const { href } = await miniflare.unsafeGetDirectURL();
    return { url: href, model: MODEL, headers: {}, close: () => miniflare.dispose() };
  },
};

/**
 * Portkey's open gateway, which forwards to the stand-in as an OpenAI-compatible host and decides nothing.
 * @type {Contestant}
 */
export const portkey = {
  name: "portkey",
  about:
    "Portkey's open gateway, forwarding without a decision; its own code waits 25 ms before a stream's first chunk",
  process: "Node, one process, one thread for JavaScript",
  async start({ url }) {
    const probe = await listening(createServer());
    const { port } = probe.url;
    await probe.close();
    const child = spawn(process.execPath, [PORTKEY, `--port=${port}`, "--headless"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const root = `http://127.0.0.1:${port}/`;
    /** @type {() => Promise<void>} */
    const close = () =>
      new Promise((closed) => {
        if (child.exitCode !== null) return closed();
        child.once("exit", () => closed());
        child.kill();
      });
    try {
      await answers(root, child);
    } catch (error) {
      await close();
      throw error;
    }
    const headers = { authorization: "Bearer none", "x-portkey-provider": "openai", "x-portkey-custom-host": url };
    return { url: `${root}v1/chat/completions`, model: MODEL, headers, close };
  },
};

/** @param {string} url @param {ChildProcess} child */
async function answers(url, child) {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const answered = await fetch(url).then(
      (response) => response.arrayBuffer(),
      () => undefined,
    );
    if (answered) return;
    if (child.exitCode !== null) throw new Error(`${PORTKEY} ended with exit code ${child.exitCode}`);
    if (performance.now() > end) throw new Error(`${url} did not answer in ${PATIENCE} ms`);
    await new Promise((next) => setTimeout(next, 100));
  }
}
