// Opens the built page in Chromium, with a phone's or a desktop's screen. Any console error fails the test.

/** @import { BrowserContext, BrowserContextOptions, Page } from "playwright-core" */

import assert from "node:assert/strict";

import { startPage } from "../../web/serve.mjs";
import { launch } from "../hosts/browser.mjs";
import { bundleFiles } from "../hosts/paths.mjs";

export const DEVICES = {
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  desk: { viewport: { width: 1280, height: 900 } },
};

export const DEVICE_NAMES = /** @type {Device[]} */ (Object.keys(DEVICES));

/**
 * @typedef {keyof typeof DEVICES} Device
 * @typedef {{link?: string, device?: Device, ready?: boolean,
 *   prepare?: (page: Page, context: BrowserContext) => Promise<unknown>} & BrowserContextOptions} How to open a view
 */

/**
 * Starts the page and a browser for a file's tests.
 * @param {(close: () => Promise<void>) => void} after node:test's `after`
 * @param {Parameters<typeof startPage>[0]} [options]
 */
export async function startBrowser(after, options) {
  const server = await startPage(options);
  const browser = await launch();
  after(async () => {
    await browser.close();
    await server.close();
  });
  return {
    url: server.url,
    /**
     * Opens a view in a browser context of its own, and closes it after the work.
     * @param {How} how
     * @param {(page: Page, context: BrowserContext) => Promise<unknown>} work
     */
    async open({ link = "", device = "desk", ready = true, prepare, ...context }, work) {
      const own = await browser.newContext({ ...DEVICES[device], ...context });
      const page = await own.newPage();
      /** @type {(string | undefined)[]} */
      const faults = [];
      page.on("pageerror", (error) => faults.push(error.stack));
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) faults.push(message.text());
      });
      try {
        await prepare?.(page, own);
        await page.goto(new URL(link, server.url).href);
        if (ready) await page.waitForSelector("html[data-ready]");
        await work(page, own);
        if (ready) assert.deepEqual(faults, []);
      } finally {
        await own.close();
      }
    },
  };
}

/**
 * Files by name as the field for the user's own bundle takes them.
 * @param {Record<string, Uint8Array>} files
 */
export const payload = (files) =>
  Object.entries(files).map(([name, bytes]) => ({
    name,
    mimeType: "application/octet-stream",
    buffer: Buffer.from(bytes),
  }));

/**
 * Opens the bundle in a folder as the user's own, on the view Inside, and goes on to another view.
 * @param {Page} page on the view Inside
 * @param {string} folder
 * @param {string} view its name in the navigation
 */
export async function openOwn(page, folder, view) {
  const files = bundleFiles(folder);
  const { name } = JSON.parse(Buffer.from(files["router.json"]).toString());
  await page.setInputFiles("#own-bundle", payload(files));
  await page.waitForSelector(`#card-title:text('${name}')`);
  await page.locator("nav a", { hasText: view }).click();
}

/**
 * Elements wider than the screen, except inside elements that scroll.
 * @param {Page} page
 */
export async function widerThanScreen(page) {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const wide = [...document.querySelectorAll("body *")].filter(
      (element) => element.getBoundingClientRect().right > width + 1 && !element.closest(".scrolls, nav ul"),
    );
    return wide.map((element) => element.outerHTML.slice(0, 120));
  });
}
