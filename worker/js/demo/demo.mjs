// `cargo xtask demo` runs this: it starts the Worker in workerd, the page and a stand-in upstream on this
// machine, sends three queries through the Worker, and keeps running until interrupted.

import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { DEFAULT_BUNDLE, startPage } from "../../../web/serve.mjs";
import { startWorker } from "../miniflare.mjs";
import { freePort } from "./port.mjs";
import { startUpstream } from "./upstream.mjs";

const QUERIES = [
  "What is the capital of Italy?",
  "A ball is thrown upward at 12 m/s from a balcony 9 m above the street. How fast does it hit the street, and after what time?",
  "A tenant breaches the lease, and the landlord sues for damages in a state court. The statute requires notice within thirty days. Which argument is most likely to succeed on appeal?",
];

const USAGE = `usage: demo.mjs [--once] [--port-worker N] [--port-page N] [--bundle FOLDER]
  --once           stop after the three examples
  --port-worker N  the Worker's port (8787, or the next one free)
  --port-page N    the page's port (8080, or the next one free)
  --bundle FOLDER  a bundle's folder (bundles/default)`;

try {
  await demo(options());
} catch (error) {
  console.error(`demo: ${reason(error)}`);
  process.exitCode = 1;
}

/** @param {ReturnType<typeof options>} options */
async function demo({ once, worker: workerPort, page: pagePort, bundle }) {
  const manifest = await readManifest(bundle);
  /** @type {{close: () => Promise<void>}[]} */
  const running = [];
  const stop = async () => {
    for (const { close } of running.splice(0).reverse()) await close();
  };
  const interrupted = new Promise((interrupt) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, interrupt);
  });
  try {
    const upstream = await startUpstream();
    running.push(upstream);
    const ids = manifest.candidates.map(({ id }) => id);
    const upstreams = Object.fromEntries(ids.map((id) => [id, { baseUrl: upstream.url.href, model: id }]));
    const { url: worker, miniflare } = await startWorker({
      bundle,
      upstreams,
      // The port is open only to this machine.
      gateway: { open: true },
      port: await workerPort(),
      log: (text) => process.stderr.write(text),
    });
    running.push({ close: () => miniflare.dispose() });
    const page = await startPage({ bundle, port: await pagePort() });
    running.push(page);

    console.log(`Bundle "${manifest.name}": ${ids.join(", ")}\n`);
    console.log(table(await decisions(worker)));
    console.log(
      `\nThe upstream is a stand-in on this machine, not a language model: it answers with the requested model's name.`,
    );
    console.log(`\nWorker  ${worker.href}  (POST v1/chat/completions, POST v1/route, GET v1/models)`);
    console.log(`Page    ${page.url.href}`);
    if (!once) {
      console.log("\nCtrl-C stops the demo.");
      await interrupted;
    }
  } finally {
    await stop();
  }
}

/**
 * Sends each query through the Worker to the upstream, the last one with a streamed answer.
 * @param {URL} worker
 */
async function decisions(worker) {
  const rows = [];
  for (const [i, query] of QUERIES.entries()) {
    const stream = i === QUERIES.length - 1;
    const response = await fetch(new URL("v1/chat/completions", worker), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "auto", stream, messages: [{ role: "user", content: query }] }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`the Worker answered ${response.status}: ${text}`);
    const header = (/** @type {string} */ name) => response.headers.get(`x-pointsman-${name}`) ?? "-";
    const asked = text.match(/"model":"([^"]*)"/)?.[1] ?? "-";
    rows.push([
      query.length > 60 ? `${query.slice(0, 59)}…` : query,
      header("model"),
      short(header("win-rate")),
      short(header("threshold")),
      header("reason").replaceAll("_", " "),
      stream ? `${asked}, streamed` : asked,
    ]);
  }
  return rows;
}

/** @param {string[][]} rows */
function table(rows) {
  const all = [["query", "model", "win rate", "threshold", "reason", "upstream's model"], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (/** @type {string[]} */ row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [line(all[0]), rule, ...all.slice(1).map(line)].join("\n");
}

/** @param {string} number */
function short(number) {
  return number === "-" ? number : Number(number).toFixed(3);
}

/** @param {string} bundle a folder @returns {Promise<import("pointsman").BundleInfo>} */
async function readManifest(bundle) {
  const path = join(bundle, "router.json");
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new Error(`${path} cannot be read: ${reason(error)}. Name a bundle's folder with --bundle`);
  }
}

function options() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        once: { type: "boolean", default: false },
        "port-worker": { type: "string" },
        "port-page": { type: "string" },
        bundle: { type: "string", default: DEFAULT_BUNDLE },
      },
    }));
  } catch (error) {
    throw new Error(`${reason(error)}\n${USAGE}`);
  }
  return {
    once: values.once,
    worker: () => port("--port-worker", values["port-worker"], 8787),
    page: () => port("--port-page", values["port-page"], 8080),
    bundle: resolve(values.bundle),
  };
}

/** @param {string} name @param {string | undefined} given @param {number} otherwise */
function port(name, given, otherwise) {
  if (given === undefined) return freePort(otherwise);
  const number = Number(given);
  if (!Number.isInteger(number) || number < 1 || number > 65535) {
    throw new Error(`${name} is ${given}: expected a port, 1 to 65535`);
  }
  return freePort(number, { exact: true });
}

/** @param {unknown} error */
function reason(error) {
  return error instanceof Error ? error.message : String(error);
}
