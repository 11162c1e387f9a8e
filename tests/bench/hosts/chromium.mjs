// Chromium: a fresh page for each measurement, in a browser of its own for each bundle.

import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { serveFolders } from "../../../web/serve.mjs";
import { launch } from "../../hosts/browser.mjs";
import { ROOT } from "../../hosts/paths.mjs";
import { transformersFolder } from "../peers/transformers-folder.mjs";
import { ENGINE_WASM, PEER_WASM } from "../wasm-files.mjs";
import { progress } from "./child.mjs";

const PEERS = join(ROOT, "tests/bench/peers/node_modules");
const ROOTS = [
  ["/package/", join(ROOT, "router-wasm/js")],
  ["/onnx-runtime/", dirname(join(ROOT, PEER_WASM))],
  ["/tokenizers/", join(PEERS, "@huggingface/tokenizers/dist")],
  ["/transformers/", join(PEERS, "@huggingface/transformers/dist")],
  // transformers.js brings its own onnxruntime-web.
  ["/transformers-onnx-runtime/", join(PEERS, "onnxruntime-web/dist")],
  ["/bench/", join(ROOT, "tests/bench")],
];
/** A page of these headers is isolated, and its clock then tells 5 microseconds instead of 100. */
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};
const EMPTY = "bench/hosts/chromium/empty.html";

export const chromium = {
  about: "Chromium",
  async versions() {
    const browser = await launch();
    const version = browser.version();
    await browser.close();
    return { chromium: version };
  },
  /** A hundred steps of the clock. */
  limits: { sample: 0.5 },
  turns: (job) => inPage("turns", job),
  cold: (job) => inPage("cold", job),
  memory: (job) => inPage("memory", job),
};

async function inPage(measure, job) {
  const models = Object.entries(job.models);
  const roots = models.map(([name, path]) => [`/models/${name}/`, dirname(path)]);
  const folder = transformersFolder(job);
  const own = [...roots, ["/bundle/", job.bundle], ["/transformers-models/", folder.models]];
  const server = await serveFolders([...own, ...ROOTS], { headers: ISOLATED });
  const browser = await launch();
  try {
    const page = await browser.newPage();
    page.on("console", (message) => {
      const [, tokens] = /^progress (\d+)$/.exec(message.text()) ?? [];
      if (tokens) progress(tokens);
      else console.error(message.text());
    });
    await page.goto(new URL(EMPTY, server.url).href);
    const manifest = JSON.parse(readFileSync(join(job.bundle, "router.json"), "utf8"));
    const files = ["router.json", ...manifest.files.map(({ name }) => name)];
    const place = { models: "/transformers-models/", name: folder.name, special: folder.special };
    return await page.evaluate(
      async ([measure, job]) => (await import("/bench/hosts/chromium/page.mjs")).answer(measure, job),
      [measure, { ...job, files, models: models.map(([name]) => name), wasm: basename(ENGINE_WASM), transformers: place }],
    );
  } finally {
    await browser.close();
    await server.close();
    folder.remove();
  }
}
