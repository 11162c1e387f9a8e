// The built page visited: first in a fresh browser context, then again from its service worker.

/** @import { Browser, BrowserContext, Page } from "playwright-core" */
/** @import { Device } from "./devices.mjs" */
/** @import { Visit } from "./rows.mjs" */
/** @import { Seen } from "./watch.mjs" */

import { kept } from "../../tests/web/kept.mjs";
import { countTransfers } from "../../tests/web/transfers.mjs";
import { visitRow } from "./rows.mjs";
import { slow } from "./slow.mjs";
import { watch } from "./watch.mjs";

/** Milliseconds after which a page that cannot route is an error. */
const PATIENCE = 120_000;
/** Milliseconds of waiting for late transfers. */
const QUIET = 500;
/** Milliseconds after which a service worker that still runs is an error. */
const STOPPED = 10_000;
const QUERY = "Is this page ready?";

/**
 * @param {Browser} browser
 * @param {URL} url
 * @param {Device} device
 * @returns {Promise<{first: Visit, again: {ready: number}}>} a row for each visit
 */
export async function visits(browser, url, device) {
  const context = await browser.newContext(device.context);
  try {
    await context.addInitScript(watch);
    const transfers = countTransfers(context, url.origin);
    const first = await visit(context, url, device, async (page) => {
      await kept(page);
      await page.waitForTimeout(QUIET);
      return visitRow(await seenBy(page), await transfers());
    });
    const again = await visit(context, url, device, async (page) => {
      if (!(await page.evaluate(() => navigator.serviceWorker.controller))) {
        throw new Error(`${url}: no service worker on the second visit`);
      }
      const { ready } = await seenBy(page);
      if (ready === undefined) throw new Error(`${url}: the page was never ready`);
      return { ready };
    });
    return { first, again };
  } finally {
    await context.close();
  }
}

/**
 * @template Row
 * @param {BrowserContext} context
 * @param {URL} url
 * @param {Device} device
 * @param {(page: Page) => Promise<Row>} look
 */
async function visit(context, url, { slowed }, look) {
  const page = await context.newPage();
  /** @type {(string | undefined)[]} */
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.stack));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  const slowing = slowed && (await slow(page, slowed));
  await page.goto(url.href);
  await page.waitForFunction(
    () => /** @type {{seen: Seen}} */ (/** @type {unknown} */ (globalThis)).seen.ready,
    undefined,
    { timeout: PATIENCE },
  );
  const found = await look(page);
  // A page that says it is ready must route.
  await page.fill("#query", QUERY);
  await page.waitForSelector(".scores");
  await slowing?.settled();
  if (faults.length > 0) throw new Error(`${url} complained: ${faults.join("\n")}`);
  await stopServiceWorker(page);
  await page.close();
  return found;
}

/** @type {(page: Page) => Promise<Seen>} */
const seenBy = (page) => page.evaluate(() => /** @type {{seen: Seen}} */ (/** @type {unknown} */ (globalThis)).seen);

/**
 * Stops the service worker, so that the next visit starts it. An open page would start it again at once.
 * @param {Page} page
 */
async function stopServiceWorker(page) {
  await page.goto("about:blank");
  const session = await page.context().newCDPSession(page);
  let running = true;
  session.on("ServiceWorker.workerVersionUpdated", ({ versions }) => {
    running = versions.some(({ runningStatus }) => runningStatus !== "stopped");
  });
  await session.send("ServiceWorker.enable");
  await session.send("ServiceWorker.stopAllWorkers");
  const end = performance.now() + STOPPED;
  while (running) {
    if (performance.now() > end) throw new Error("the service worker did not stop");
    await page.waitForTimeout(20);
  }
}
