// The benchmark tab: both engines run in one Web Worker and give the same embeddings.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { startBrowser } from "./open-page.mjs";

const { open } = await startBrowser(after);

test("the benchmark runs to its end, labels each engine's numbers and draws them", () =>
  open({ link: "#/benchmark?bundle=accurate" }, async (page) => {
    await page.getByRole("button", { name: "Run the benchmark" }).click();
    await page.waitForSelector("progress");
    await page.waitForSelector("#benchmark-table", { timeout: 120_000 });
    const rows = await page.locator("#benchmark-table tbody tr").allTextContents();
    assert.equal(rows.length, 4);
    for (const row of rows) assert.match(row, /[\d.]+ ms[\d.]+ ms/);
    assert.match((await page.locator("main").textContent()) ?? "", /differ by at most [\d.]+/);
    await page.locator(".chart svg[role=img]").waitFor();
  }));

test("a tokenizer that the other engine lacks is named", () =>
  open({ link: "#/benchmark" }, async (page) => {
    await page.getByRole("button", { name: "Run the benchmark" }).click();
    assert.match((await page.getByRole("alert").textContent()) ?? "", /no tokenizer of type PiecePairs/);
  }));

test("the benchmark can be cancelled and run again", () =>
  open({ link: "#/benchmark" }, async (page) => {
    const start = page.getByRole("button", { name: "Run the benchmark" });
    await start.click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await start.waitFor();
    assert.equal(await page.getByRole("alert").count(), 0);
  }));

test("a peer engine that cannot be fetched is reported", () =>
  open(
    {
      link: "#/benchmark",
      ready: false,
      prepare: (_, context) => context.route("**/ort-wasm*", (route) => route.fulfill({ status: 404, body: "" })),
    },
    async (page) => {
      await page.getByRole("button", { name: "Run the benchmark" }).click();
      await page.getByRole("alert").waitFor();
      assert.match((await page.getByRole("alert").textContent()) ?? "", /The benchmark did not finish/);
    },
  ));
