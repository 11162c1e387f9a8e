// After the first visit the page works without a network, and the first visit stays within its budget.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { kept } from "./kept.mjs";
import { startBrowser } from "./open-page.mjs";
import { countTransfers, FIRST_VISIT_BYTES } from "./transfers.mjs";

const { open, url } = await startBrowser(after);

test("every view works after a reload without a network, in both colour themes", () =>
  open({}, async (page, context) => {
    await kept(page);
    await context.setOffline(true);
    await page.reload();
    await page.waitForSelector("html[data-ready]");
    await page.fill("#query", "Is there a network?");
    await page.waitForSelector(".scores");
    for (const [view, wanted] of [
      ["trade-off", ".chart svg[role=img]"],
      ["map", ".chart svg[role=img]"],
      ["inside", "#card-title"],
    ]) {
      await page.evaluate((view) => {
        location.hash = `#/${view}`;
      }, view);
      await page.waitForSelector(wanted);
    }
    await page.evaluate(() => {
      location.hash = "#/queries";
    });
    await page.fill("#own-queries", "One\nTwo");
    await page.getByRole("button", { name: "Route 2 queries" }).click();
    await page.waitForSelector("#results-title");
  }));

test("the first visit stays within its budget of bytes, including the service worker's requests", (t) => {
  /** @type {ReturnType<typeof countTransfers> | undefined} */
  let transfers;
  return open(
    {
      prepare: async (_, context) => {
        transfers = countTransfers(context, url.origin);
      },
    },
    async (page) => {
      await kept(page);
      const rows = (await transfers?.()) ?? [];
      const total = rows.reduce((sum, { bytes }) => sum + bytes, 0);
      for (const { path, bytes } of rows.sort((a, b) => b.bytes - a.bytes).slice(0, 8)) {
        t.diagnostic(`${bytes} ${path}`);
      }
      t.diagnostic(`first visit: ${total} bytes transferred in ${rows.length} requests`);
      assert.ok(total > 1e6, "nothing was counted");
      assert.ok(total <= FIRST_VISIT_BYTES, `${total} bytes, at most ${FIRST_VISIT_BYTES}`);
    },
  );
});
