// The demo page's visits and the npm package beside transformers.js, in Chromium. `cargo xtask bench page`
// makes what is measured and starts this.
//
// `node bench/page.mjs --made FOLDER [--bundles static,mini] [--runs 9] [--rounds 200] [--seconds 6]
//  [--save]`
//
// With --save the report is stored in bench/runs.

/** @import { Entry } from "./job.mjs" */
/** @import { Device } from "./page/devices.mjs" */
/** @import { Report } from "./page/markdown.mjs" */
/** @import { Visit } from "./page/rows.mjs" */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { launch } from "../tests/hosts/browser.mjs";
import { ROOT } from "../tests/hosts/paths.mjs";
import { FIRST_VISIT_BYTES } from "../tests/web/transfers.mjs";
import { startPage } from "../web/serve.mjs";
import { jobOn, listed } from "./job.mjs";
import { load, machine } from "./machine.mjs";
import { besideTransformers } from "./page/beside-transformers.mjs";
import { DEVICES } from "./page/devices.mjs";
import { ENGINES } from "./page/engines.mjs";
import { whole } from "./page/markdown.mjs";
import { figuresOf } from "./page/rows.mjs";
import { visits } from "./page/visits.mjs";
import { save } from "./runs.mjs";
import { count, installed, PEERS, revision, say, unknown } from "./script.mjs";

const LENGTHS = [8, 32, 128];

const { values } = parseArgs({
  options: {
    made: { type: "string" },
    bundles: { type: "string" },
    runs: { type: "string", default: "9" },
    rounds: { type: "string", default: "200" },
    seconds: { type: "string", default: "6" },
    save: { type: "boolean", default: false },
  },
});
const settings = {
  runs: count("--runs", values.runs),
  rounds: count("--rounds", values.rounds),
  seconds: count("--seconds", values.seconds),
};
if (!values.made)
  throw new Error(
    "--made is missing: expected the folder that `bench-bundles` wrote, as `cargo xtask bench page` gives it",
  );
/** @type {Record<string, Entry>} */
const known = Object.fromEntries(listed(values.made).map((entry) => [entry.name, entry]));
const names = values.bundles?.split(",") ?? ["static", "mini"];
const bundles = names.map((name) => known[name] ?? unknown("--bundles", name, known));

needed("web/dist/index.html.br", "the page is not built, or not compressed. Make it with `cargo xtask build`");
needed(
  `${PEERS}/@huggingface/transformers`,
  "transformers.js is not installed. Install it with `npm ci --ignore-scripts --prefix bench/peers`",
);

const before = load();
const browser = await launch();
try {
  /** @type {Omit<Report, "loadAverage">} */
  const report = {
    made: new Date().toISOString().slice(0, 10),
    revision: revision(),
    machine: machine(),
    versions: {
      chromium: browser.version(),
      "@huggingface/transformers": installed(`${PEERS}/@huggingface/transformers`),
      "its onnxruntime-web": installed(`${PEERS}/onnxruntime-web`),
      node: process.versions.node,
    },
    settings,
    budget: FIRST_VISIT_BYTES,
    visits: await allVisits(),
    engines: Object.entries(ENGINES).map(([name, { about }]) => ({ name, about })),
    bundles: [],
    loads: [],
    fetched: [],
    routes: [],
  };
  for (const entry of bundles) {
    say(`${entry.name}\n`);
    const found = await besideTransformers(browser, await jobOn(entry, LENGTHS), settings);
    report.bundles.push(found.bundle);
    report.loads.push(...found.loads);
    report.fetched.push(...found.fetched);
    report.routes.push(...found.routes);
  }
  const loaded = { ...report, loadAverage: { before, after: load() } };
  console.log(whole(loaded));
  if (values.save) say(`stored in ${save("page", loaded)}\n`);
} finally {
  await browser.close();
}

/** @param {string} path @param {string} otherwise */
function needed(path, otherwise) {
  if (!existsSync(join(ROOT, path))) throw new Error(`${path} is not there: ${otherwise}`);
}

/** Each device's visits, in turns; the first round is not counted. */
async function allVisits() {
  const page = await startPage();
  /** @type {{name: string, device: Device, first: Visit[], again: {ready: number}[]}[]} */
  const found = Object.entries(DEVICES).map(([name, device]) => ({ name, device, first: [], again: [] }));
  say("visits");
  try {
    for (let round = 0; round <= settings.runs; round += 1) {
      say(` ${round}`);
      for (const { device, first, again } of found) {
        const rows = await visits(browser, page.url, device);
        if (round === 0) continue;
        first.push(rows.first);
        again.push(rows.again);
      }
    }
  } finally {
    await page.close();
    say("\n");
  }
  return found.map(({ name, device: { about, good, slowed }, first, again }) => ({
    device: name,
    about,
    good,
    network: slowed?.network,
    first: figuresOf(first),
    again: figuresOf(again),
  }));
}
