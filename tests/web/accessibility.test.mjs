// WCAG 2.2 AA checked by axe: every view, both colour themes and languages, on a phone and a desktop.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, test } from "node:test";

import { VIEWS } from "../../web/src/model/deep-link.js";
import { startBrowser } from "./open-page.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const { open } = await startBrowser(after);

/** @param {import("playwright-core").Page} page */
async function violations(page) {
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate((tags) => {
    const { axe } = /** @type {{axe: typeof import("axe-core")}} */ (/** @type {unknown} */ (globalThis));
    return axe.run(document, { runOnly: tags });
  }, TAGS);
  assert.ok(passes.length > 10, "axe checked nothing");
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`).join(" | ")}`,
  );
}

/** @type {[device: import("./open-page.mjs").Device, language: string, theme: string][]} */
const SETTINGS = [
  ["desk", "en", "light"],
  ["desk", "zh", "dark"],
  ["phone", "en", "dark"],
  ["phone", "zh", "light"],
];

for (const [device, language, theme] of SETTINGS) {
  test(`${device}, ${language}, ${theme}: no view violates a rule`, () =>
    open({ device, link: `#/playground?q=Prove+it&lang=${language}&theme=${theme}` }, async (page) => {
      for (const view of VIEWS) {
        await page.evaluate((view) => {
          location.hash = `#/${view}`;
        }, view);
        await page.waitForSelector(`nav a[href="#/${view}"][aria-current=page]`);
        if (["trade-off", "map"].includes(view)) await page.waitForSelector(".chart svg[role=img]");
        if (view === "queries") {
          await page.fill("#own-queries", "One\nTwo");
          await page.locator("button.primary").click();
          await page.waitForSelector("#results-title");
        }
        assert.deepEqual(await violations(page), [], view);
      }
      await page.evaluate(() => {
        location.hash = "#/playground?turn=Hello&turn=Hi&turn=Prove+it";
      });
      await page.waitForSelector(".turns");
      assert.deepEqual(await violations(page), [], "conversation");
    }));
}
