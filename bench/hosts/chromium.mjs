// Chromium: a fresh page for each measurement, in a browser of its own for each bundle.

/** @import { BundleInfo } from "pointsman" */
/** @import { Host, Measure } from "../in-process/measure.mjs" */
/** @import { Job, MeasuredJob } from "../job.mjs" */

import { basename, join } from "node:path";

import { launch } from "../../tests/hosts/browser.mjs";
import { readJson } from "../../tests/hosts/paths.mjs";
import { ENGINE_WASM } from "../wasm-files.mjs";
import { progress } from "./child.mjs";
import { serveJob } from "./chromium/served.mjs";

/** @type {Host} */
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

/** @param {Measure} measure @param {Job & Partial<Pick<MeasuredJob, "limits" | "engine">>} job */
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
    /** @type {BundleInfo} */
    const manifest = readJson(join(job.bundle, "router.json"));
    const files = ["router.json", ...manifest.files.map(({ name }) => name)];
    const models = Object.keys(job.models);
    return await page.evaluate(
      async ({ measure, job }) => (await import("/bench/hosts/chromium/page.mjs")).answer(measure, job),
      {
        measure,
        job: {
          .../** @type {MeasuredJob} */ (job),
          files,
          models,
          wasm: basename(ENGINE_WASM),
          transformers: server.place,
        },
      },
    );
  } finally {
    await browser.close();
    await server.close();
  }
}
