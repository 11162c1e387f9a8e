// Chromium: a fresh page for each measurement, in a browser of its own for each bundle.

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

import { launch } from "../../tests/hosts/browser.mjs";
import { ENGINE_WASM } from "../wasm-files.mjs";
import { progress } from "./child.mjs";
import { serveJob } from "./chromium/served.mjs";

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
  const server = await serveJob(job);
  const browser = await launch();
  try {
    const page = await browser.newPage();
    page.on("console", (message) => {
      const [, tokens] = /^progress (\d+)$/.exec(message.text()) ?? [];
      if (tokens) progress(tokens);
      else console.error(message.text());
    });
    await page.goto(server.empty);
    const manifest = JSON.parse(readFileSync(join(job.bundle, "router.json"), "utf8"));
    const files = ["router.json", ...manifest.files.map(({ name }) => name)];
    return await page.evaluate(
      async ([measure, job]) => (await import("/bench/hosts/chromium/page.mjs")).answer(measure, job),
      [
        measure,
        { ...job, files, models: Object.keys(job.models), wasm: basename(ENGINE_WASM), transformers: server.place },
      ],
    );
  } finally {
    await browser.close();
    await server.close();
  }
}
