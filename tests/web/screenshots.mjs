// Takes screenshots of the page: `node tests/web/screenshots.mjs [FOLDER]`. With FOLDER it writes every view
// there; without it, it writes the views that the documentation shows to docs/figures.

/** @import { How } from "./open-page.mjs" */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { POOL, ROOT } from "../hosts/paths.mjs";
import { openOwn, startBrowser } from "./open-page.mjs";

const folder = process.argv[2] ?? join(ROOT, "docs/figures");
const SHOWN = ["page-playground", "page-trade-off", "page-map"];
const QUERY = "q=Which+court+hears+an+appeal+about+a+lease%2C+and+which+standard+of+review+applies%3F";
const HARD =
  "q=A+tenant+breaches+the+lease%2C+and+the+landlord+sues+for+damages+in+a+state+court.+The+statute+requires+notice+within+thirty+days.+Which+argument+is+most+likely+to+succeed+on+appeal%3F";
const TURNS =
  "turn=Hello%21&turn=Hello.&turn=Does+the+statute+violate+equal+protection%2C+and+which+precedent+would+the+court+follow%3F&turn=It+depends.&turn=Thanks%21";
const OWN = [
  "What is two and two?",
  "Name a primary colour.",
  "Which court has jurisdiction over the lease?",
  "A pump lifts 40 kg of water a second by 12 m. What power does it need?",
  "Prove that a group of prime order is cyclic.",
  "What is the momentum of a 2 kg ball after falling for 3 s?",
  "Is a tomato a fruit?",
  "Which remedy does a breach of contract give, and when is specific performance granted?",
];

/** @type {[name: string, how: How, wanted: string][]} `wanted` is a selector to wait for */
const PICTURES = [
  ["page-playground", { link: `#/playground?${HARD}` }, ".scores"],
  ["page-playground-phone", { link: `#/playground?${QUERY}&lang=zh`, device: "phone", colorScheme: "dark" }, ".scores"],
  ["page-conversation", { link: `#/playground?${TURNS}`, colorScheme: "dark" }, ".chart svg[role=img]"],
  ["page-trade-off", { link: "#/trade-off?mode=strongShare&strongShare=0.3" }, ".chart svg[role=img]"],
  ["page-trade-off-phone", { link: "#/inside", device: "phone" }, "#card-title"],
  ["page-queries", { link: "#/queries" }, "#own-queries"],
  ["page-map", { link: `#/map?${QUERY}`, colorScheme: "dark" }, ".chart svg[role=img]"],
  ["page-inside", { link: "#/inside" }, "#card-title"],
  ["page-benchmark", { link: "#/benchmark" }, "button.primary"],
];
/** @type {Record<string, (page: import("playwright-core").Page) => Promise<void>>} */
const WORK = {
  async "page-trade-off-phone"(page) {
    await openOwn(page, POOL, "Trade-off");
    await page.waitForSelector(".chart svg[role=img]");
  },
  async "page-queries"(page) {
    await page.fill("#own-queries", OWN.join("\n"));
    await page.locator("button.primary").click();
    await page.waitForSelector(".results .chart svg[role=img]");
  },
  async "page-benchmark"(page) {
    await page.locator("button.primary").click();
    await page.waitForSelector("#benchmark-table", { timeout: 120_000 });
  },
};

/** @type {(() => Promise<void>)[]} */
const closing = [];
const { open } = await startBrowser((close) => closing.push(close));
await mkdir(folder, { recursive: true });
for (const [name, how, wanted] of PICTURES) {
  if (!process.argv[2] && !SHOWN.includes(name)) continue;
  await open(how, async (page) => {
    await page.waitForSelector(wanted);
    await WORK[name]?.(page);
    // The train has reached its track.
    await page.waitForTimeout(800);
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    console.log(join(folder, `${name}.png`));
  });
}
for (const close of closing) await close();
