// The user's own queries: ten thousand are routed in a Web Worker without freezing the page.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { Router } from "pointsman";

import { readQueries } from "../../web/src/model/queries-file.js";
import { DEFAULT } from "../hosts/paths.mjs";
import { DEVICE_NAMES, startBrowser, widerThanScreen } from "./open-page.mjs";

const { open } = await startBrowser(after);
const scratch = await mkdtemp(join(tmpdir(), "pointsman-queries-"));
after(() => rm(scratch, { recursive: true }));
const link = "#/queries?mode=strongShare&strongShare=0.5";
const results = "#results-title";

for (const device of DEVICE_NAMES) {
  test(`${device}: pasted queries are routed, counted, drawn and listed`, () =>
    open({ device, link }, async (page) => {
      await page.fill(
        "#own-queries",
        "What is two and two?\nProve it.\n\nWhich court has jurisdiction over the lease?",
      );
      await page.getByRole("button", { name: "Route 3 queries" }).click();
      await page.waitForSelector(results);
      assert.equal(await page.locator(results).textContent(), "3 queries routed");
      assert.equal(await page.locator(".queries tbody tr").count(), 3);
      await page.locator(".results .chart svg[role=img]").waitFor();
      assert.deepEqual(await widerThanScreen(page), []);
    }));
}

test("ten thousand queries from a file: the page keeps drawing, and the download has the engine's decisions", () =>
  open({ link }, async (page) => {
    const lines = Array.from({ length: 10_000 }, (_, i) =>
      JSON.stringify({ query: `How many of the ${i} wagons stand on track ${i % 17}?` }),
    );
    const path = join(scratch, "wagons.jsonl");
    await writeFile(path, lines.join("\n"));
    await page.setInputFiles(".drop input[type=file]", path);
    await page.waitForSelector("text=10,000 queries, from JSONL");
    // A frozen page would draw no frame while it routes. Routing takes several seconds; on an idle machine
    // the longest gap between frames is a tenth of a second.
    const frames = await page.evaluateHandle(() => {
      const drawn = { count: 0 };
      const count = () => {
        drawn.count += 1;
        requestAnimationFrame(count);
      };
      requestAnimationFrame(count);
      return drawn;
    });
    await page.getByRole("button", { name: /Route 10,000/ }).click();
    await page.waitForSelector("progress");
    const atStart = await frames.evaluate(({ count }) => count);
    await page.waitForSelector(results, { timeout: 120_000 });
    assert.ok((await frames.evaluate(({ count }) => count)) > atStart, "no frame was drawn while routing");
    assert.equal(await page.locator(".queries tbody tr").count(), 100);
    assert.match((await page.locator(".pages").textContent()) ?? "", /Page 1 of 100/);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download as CSV" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "wagons-routed.csv");
    const csv = await readFile(await download.path(), "utf8");
    const rows = csv.trim().split("\r\n");
    assert.equal(rows.length, 10_001);
    assert.equal(readQueries(csv, "x.csv").inputs.length, 10_000);
    const router = await Router.load(DEFAULT);
    for (const i of [0, 4999, 9999]) {
      const { model, winRate } = router.route(`How many of the ${i} wagons stand on track ${i % 17}?`, {
        strongShare: 0.5,
      });
      const cells = rows[i + 1].split(",");
      assert.equal(cells[2], model);
      assert.ok(winRate !== undefined && Math.abs(Number(cells[3]) - winRate) < 1e-6);
    }
    router.free();
  }));

test("a run can be cancelled, and another one starts", () =>
  open({ link }, async (page) => {
    const path = join(scratch, "long.txt");
    await writeFile(path, "Which wagon stands on the long track behind the station, and why?\n".repeat(100_000));
    await page.setInputFiles(".drop input[type=file]", path);
    await page.getByRole("button", { name: /Route 100,000/ }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: /Route 100,000/ }).waitFor();
    assert.equal(await page.locator(results).count(), 0);
    assert.equal(await page.getByRole("alert").count(), 0);
    await page.fill("#own-queries", "Just one");
    await page.getByRole("button", { name: /Route 1 / }).click();
    await page.waitForSelector(results);
  }));

test("lines that cannot be read or routed are reported and do not affect the others", () =>
  open({ link }, async (page) => {
    const path = join(scratch, "mixed.jsonl");
    await writeFile(
      path,
      [
        '{"query": "fine"}',
        "{broken",
        '{"query": ""}',
        JSON.stringify({ query: "not \0 text" }),
        '{"messages": [{"role": "user", "content": "Hello"}]}',
      ].join("\n"),
    );
    await page.setInputFiles(".drop input[type=file]", path);
    await page.waitForSelector("text=2 lines could not be read");
    await page.getByRole("button", { name: /Route 3/ }).click();
    await page.waitForSelector(results);
    assert.match((await page.locator(".queries").textContent()) ?? "", /query_ill_formed/);
    assert.match((await page.locator(".results .figures").textContent()) ?? "", /Refused by the router1/);
  }));

test("the table is sorted by win rate", () =>
  open({ link }, async (page) => {
    await page.fill(
      "#own-queries",
      Array.from({ length: 150 }, (_, i) => `Question ${i} of law and of wagons`).join("\n"),
    );
    await page.getByRole("button", { name: /Route 150/ }).click();
    await page.waitForSelector(results);
    await page.getByRole("button", { name: "Win rate" }).click();
    const shown = await page.locator(".queries tbody td:nth-child(4)").allTextContents();
    const rates = shown.map(Number);
    assert.equal(rates.length, 100);
    assert.deepEqual(
      rates,
      rates.toSorted((a, b) => b - a),
    );
    await page.getByRole("button", { name: "Next" }).click();
    assert.equal(await page.locator(".queries tbody tr").count(), 50);
  }));
