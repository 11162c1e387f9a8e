// After the first visit the page works without a network, and the first visit costs what it may.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { startBrowser } from "./open-page.mjs";

const { open, url } = await startBrowser(after);

/** What goes over the line for a first visit with the default bundle. */
const MOST_BYTES = 2.5e6;

/** Waits until the service worker has taken over, and holds what the page has fetched. */
async function kept(page) {
  const holdsAll = () => page.evaluate(async () => {
    if (navigator.serviceWorker.controller?.state !== "activated") return false;
    const [name] = await caches.keys();
    const held = (await (await caches.open(name)).keys()).map(({ url }) => url);
    const fetched = performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => name.startsWith(location.origin));
    return fetched.length > 5 && fetched.every((name) => held.includes(name));
  });
  for (let tries = 0; !(await holdsAll()); tries += 1) {
    assert.ok(tries < 600, "the service worker never held what the page needs");
    await page.waitForTimeout(50);
  }
}

test("every view works after a reload without a network, in both colours", () => open({}, async (page, context) => {
  await kept(page);
  await context.setOffline(true);
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  await page.fill("#query", "Is there a network?");
  await page.waitForSelector(".scores");
  for (const [view, wanted] of [["trade-off", ".chart svg[role=img]"], ["map", ".chart svg[role=img]"], ["inside", "#card-title"]]) {
    await page.evaluate((view) => { location.hash = `#/${view}`; }, view);
    await page.waitForSelector(wanted);
  }
  await page.evaluate(() => { location.hash = "#/queries"; });
  await page.fill("#own-queries", "One\nTwo");
  await page.getByRole("button", { name: "Route 2 queries" }).click();
  await page.waitForSelector("#results-title");
}));

test("the first visit stays within its bytes, the service worker's copies among them", (t) => open({
  prepare: async (page, context) => {
    page.sizes = [];
    context.on("requestfinished", async (request) => {
      if (new URL(request.url()).origin !== url.origin) return;
      const response = await request.response();
      const sizes = request.sizes().catch(() => undefined);
      page.sizes.push({ url: request.url(), served: response?.fromServiceWorker(), sizes: await sizes });
    });
  },
}, async (page) => {
  await kept(page);
  const rows = page.sizes.filter(({ served, sizes }) => !served && sizes);
  const bytes = rows.reduce((sum, { sizes }) => sum + sizes.responseBodySize + sizes.responseHeadersSize, 0);
  for (const { url, sizes } of rows.sort((a, b) => b.sizes.responseBodySize - a.sizes.responseBodySize).slice(0, 8)) {
    t.diagnostic(`${sizes.responseBodySize} ${new URL(url).pathname}`);
  }
  t.diagnostic(`first visit: ${bytes} bytes transferred in ${rows.length} requests`);
  assert.ok(bytes > 1e6, "nothing was counted");
  assert.ok(bytes <= MOST_BYTES, `${bytes} bytes, at most ${MOST_BYTES}`);
}));
