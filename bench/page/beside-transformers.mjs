// The npm package beside transformers.js on one bundle, in Chromium: bytes and time from an empty page to
// the first decision, and the time of a query.

/** @import { Browser, Page } from "playwright-core" */
/** @import { ServedJob } from "../hosts/chromium/served.mjs" */
/** @import { ColdTime } from "../in-process/measure.mjs" */
/** @import { Case, Job } from "../job.mjs" */
/** @import { Engine } from "./engines.mjs" */

import { bundleBytes, sizes } from "../bytes.mjs";
import { serveJob } from "../hosts/chromium/served.mjs";
import { chromium } from "../hosts/chromium.mjs";
import { ENGINES } from "./engines.mjs";
import { loadRows, routeRows } from "./rows.mjs";

/** Headers that keep every file out of caches. */
const FRESH = { "cache-control": "no-store" };
/** What the benchmark itself fetches. */
const OWN = "/bench/";

/**
 * @param {Browser} browser
 * @param {Job} job
 * @param {{runs: number, rounds: number, seconds: number}} settings
 */
export async function besideTransformers(browser, job, { runs, rounds, seconds }) {
  const server = await serveJob(job, FRESH);
  try {
    const { times, addresses } = await firstDecisions(browser, server, job, runs);
    const fetched = [];
    for (const [engine, its] of Object.entries(addresses))
      fetched.push({ bundle: job.name, engine, ...(await fetchedBytes(its)) });
    const limits = { rounds, seconds, ...chromium.limits };
    const rows = await inFreshPage(browser, server, (page) =>
      page.evaluate(async ({ job, place }) => (await import("/bench/page/route-times.mjs")).routeTimes(job, place), {
        job: { cases: job.cases, limits },
        place: server.place,
      }),
    );
    return {
      bundle: { name: job.name, about: job.about, precision: job.precision, bytes: bundleBytes(job.bundle) },
      loads: loadRows(job.name, times),
      fetched,
      routes: rows.flatMap((row) => routeRows(job.name, row)),
    };
  } finally {
    await server.close();
  }
}

/**
 * All in turns, each in a fresh page; the first round is not counted.
 * @param {Browser} browser
 * @param {ServedJob} server
 * @param {{cases: Case[]}} job
 * @param {number} runs
 */
async function firstDecisions(browser, server, { cases: [{ text }] }, runs) {
  const names = /** @type {Engine[]} */ (Object.keys(ENGINES));
  /** @type {Record<string, ColdTime[]>} */
  const times = Object.fromEntries(names.map((name) => [name, []]));
  /** @type {Record<string, string[]>} */
  const addresses = {};
  for (let round = 0; round <= runs; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const engine = names[(round + turn) % names.length];
      const found = await firstDecision(browser, server, engine, text);
      addresses[engine] = found.addresses;
      if (round > 0) times[engine].push(found.time);
    }
  }
  return { times, addresses };
}

/** @param {Browser} browser @param {ServedJob} server @param {Engine} engine @param {string} text */
function firstDecision(browser, server, engine, text) {
  return inFreshPage(browser, server, async (page) => {
    /** @type {string[]} */
    const addresses = [];
    page.on("response", (response) => {
      // A blob that the page made from bytes it has is reported as a response too.
      const { protocol, pathname } = new URL(response.url());
      if (protocol === "http:" && !pathname.startsWith(OWN) && response.ok()) addresses.push(response.url());
    });
    const time = await page.evaluate(
      async ({ engine, place, text }) =>
        (await import("/bench/page/first-decision.mjs")).firstDecision(engine, place, text),
      { engine, place: server.place, text },
    );
    return { time, addresses };
  });
}

/**
 * @template Result
 * @param {Browser} browser
 * @param {ServedJob} server
 * @param {(page: Page) => Promise<Result>} work
 */
async function inFreshPage(browser, server, work) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(server.empty);
    return await work(page);
  } finally {
    await context.close();
  }
}

/**
 * What was fetched, by file, and together.
 * @param {string[]} addresses
 */
async function fetchedBytes(addresses) {
  const parts = await Promise.all(
    addresses.map(async (address) => new Uint8Array(await (await fetch(address)).arrayBuffer())),
  );
  const files = addresses.map((address, at) => ({ path: new URL(address).pathname, bytes: parts[at].length }));
  return { ...sizes(parts), files };
}
