// The trade-off view: the bundle's curve, prices and bills.

/** @import { BundleInfo } from "pointsman" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { curvesOf, valueAt } from "../../web/src/model/curve.js";
import { DEFAULT, POOL, readJson } from "../hosts/paths.mjs";
import { DEVICE_NAMES, openOwn, startBrowser, widerThanScreen } from "./open-page.mjs";

const { byShare: curve } = curvesOf(readJson(`${DEFAULT}/router.json`));
assert.ok(curve?.published, "the default bundle has a curve by share, and published points");
const { router, published } = curve;
/** @type {BundleInfo} */
const pool = readJson(`${POOL}/router.json`);
const { open } = await startBrowser(after);
const percentFine = (/** @type {number} */ value) => `${(100 * value).toFixed(1)}%`;

for (const device of DEVICE_NAMES) {
  test(`${device}: the slider reads the bundle's curve`, () =>
    open({ device, link: "#/trade-off" }, async (page) => {
      for (const share of [0, 0.25, 0.5, 1]) {
        await page.getByRole("slider").fill(String(share));
        await page.waitForFunction(
          (text) => document.querySelector("#quality")?.textContent ?? "" === text,
          percentFine(valueAt(router, share)),
        );
      }
      assert.equal(await page.locator("#pgr").textContent(), "100.0%");
      const chart = page.locator(".chart svg[role=img]");
      await chart.waitFor();
      assert.match((await chart.getAttribute("aria-label")) ?? "", /At 100% strong calls/);
      assert.equal((await page.locator(".chart [data-mark=line] path").count()) >= 3, true);
      assert.equal(
        await page.locator(".chart [data-mark=dot]").first().locator("path, circle").count(),
        published.length,
      );
      assert.deepEqual(await widerThanScreen(page), []);
    }));
}

test("the bill follows the number of queries, tokens, share and the user's prices, and the engine uses these prices", () =>
  open({ link: "#/trade-off?mode=strongShare&strongShare=0.5" }, async (page) => {
    const saving = page.locator("#saving");
    const dollars = async () => Number(/\$([\d,]+)/.exec((await saving.textContent()) ?? "")?.[1].replaceAll(",", ""));
    // The tiers of the default bundle have no prices of their own.
    assert.equal(await saving.count(), 0);
    for (const [name, prices] of [
      ["large", ["10", "30"]],
      ["small", ["0.24", "0.24"]],
    ]) {
      await page.getByLabel(new RegExp(`^${name}.*: Input$`)).fill(prices[0]);
      await page.getByLabel(new RegExp(`^${name}.*: Output$`)).fill(prices[1]);
    }
    assert.match((await saving.textContent()) ?? "", /\(49%\)/);
    await page.getByLabel("Queries a month").fill("2000000");
    const before = await dollars();
    assert.ok(before > 1000, String(before));
    await page.getByLabel(/^large.*: Input$/).fill("100");
    await page.getByLabel(/^large.*: Output$/).fill("300");
    const after = await dollars();
    assert.ok(after > 9 * before && after < 11 * before, `${before} and ${after}`);
    await page.locator("nav a", { hasText: "Playground" }).click();
    await page.fill("#query", "Hello");
    await page.waitForFunction(() => /Always strong\$0\.0/.test(document.querySelector(".figures")?.textContent ?? ""));
    await page.locator("nav a", { hasText: "Trade-off" }).click();
    await page.getByRole("button", { name: "Back to the bundle's prices" }).click();
    await saving.waitFor({ state: "detached" });
  }));

test("a bundle of several models shows each model beside the router, and takes prices that it does not state", () =>
  open({ link: "#/inside" }, async (page) => {
    await openOwn(page, POOL, "Trade-off");
    const label = (await page.locator(".chart svg[role=img]").getAttribute("aria-label")) ?? "";
    assert.match(label, /This router \d+\.\d%/);
    assert.match(label, /Oracle: knows every answer \d+\.\d%/);
    for (const { id } of pool.candidates) assert.match(label, new RegExp(`${id} \\d+\\.\\d%`));
    const fields = page.locator(".prices input");
    const count = await fields.count();
    assert.equal(count, 2 * pool.candidates.length);
    for (let i = 0; i < count; i += 1) await fields.nth(i).fill(String(1 + i));
    assert.match((await page.locator(".bills").textContent()) ?? "", /Always [^$]+\$\d/);
    await page.locator("nav a", { hasText: "Playground" }).click();
    await page.fill("#query", "Hello");
    await page.waitForSelector("text=Cost weight: score per dollar");
    await page.waitForFunction(() => /\$0\.0/.test(document.querySelector(".figures")?.textContent ?? ""));
  }));
