// The demo page in Chromium: what a person types is decided and shown; what fails is said.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { startPage } from "../../web/serve.mjs";
import { launch } from "./browser.mjs";
import { TINY, readJson } from "./paths.mjs";

const info = readJson(join(TINY, "router.json"));
const server = await startPage({ bundle: TINY });
const browser = await launch();
after(async () => {
  await browser.close();
  await server.close();
});

async function open(url = server.url) {
  const page = await browser.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  await page.goto(url.href);
  return { page, faults };
}

async function opened() {
  const { page, faults } = await open();
  await page.waitForSelector("html[data-ready]");
  return { page, faults, text: (selector) => page.locator(selector).textContent() };
}

test("typing a query shows a candidate, its scores and the tokens", async () => {
  const { page, faults, text } = await opened();
  assert.equal(await text("#verdict"), "No query yet");
  await page.fill("#query", "What is the capital of Italy?");
  await page.waitForSelector("#scores:visible");
  const verdict = await text("#verdict");
  assert.ok(info.candidates.some(({ id }) => id === verdict), verdict);
  assert.equal(await page.locator("#scores tbody tr").count(), info.candidates.length);
  assert.match(await text("#tokens"), /^\d+ tokens?$/);
  assert.deepEqual(faults, []);
});

test("the slider moves the decision from the weak to the strong candidate", async () => {
  const { page, text } = await opened();
  await page.fill("#query", "What is the capital of Italy?");
  for (const [share, side] of [["0", info.head.weak], ["1", info.head.strong]]) {
    await page.fill("#amount", share);
    await page.waitForFunction((name) => document.querySelector("#verdict").textContent === name, side);
    assert.equal(await text("#amount-text"), `${Number(share) * 100}%`);
  }
});

test("an emptied box shows no decision", async () => {
  const { page, text } = await opened();
  await page.fill("#query", "Hello");
  await page.waitForSelector("#scores:visible");
  await page.fill("#query", "   ");
  await page.waitForSelector("#scores", { state: "hidden" });
  assert.equal(await text("#verdict"), "No query yet");
});

test("a query that the engine refuses is said, and the next one decided", async () => {
  const { page, text } = await opened();
  await page.fill("#query", "x".repeat(300_000));
  await page.waitForSelector("#error:visible");
  assert.match(await text("#error"), /query_too_long/);
  await page.fill("#query", "Hello");
  await page.waitForSelector("#error", { state: "hidden" });
  await page.waitForSelector("#scores:visible");
});

test("a bundle that does not load is said with its code", async () => {
  const empty = await mkdtemp(join(tmpdir(), "switchyard-no-bundle-"));
  const other = await startPage({ bundle: empty });
  try {
    const { page } = await open(other.url);
    await page.waitForSelector("#error:visible");
    assert.match(await page.locator("#error").textContent(), /did not load.*404.*fetch_failed/);
    assert.ok(await page.locator("#query").isDisabled());
  } finally {
    await other.close();
    await rm(empty, { recursive: true });
  }
});

test("everything on the page that takes input has a name", async () => {
  const { page } = await opened();
  const nameless = await page.$$eval("input, textarea, button", (inputs) =>
    inputs.filter((input) => !input.labels?.length && !input.textContent.trim()).map((input) => input.outerHTML));
  assert.deepEqual(nameless, []);
});

test("the page's server gives nothing from outside its folders", async () => {
  for (const path of ["../Cargo.toml", "%2e%2e/Cargo.toml", "bundle/..%2f..%2f..%2fCargo.toml", "pkg/%2e%2e%2f%2e%2e/Cargo.toml"]) {
    const response = await fetch(`${server.url.href}${path}`);
    assert.equal(response.status, 404, path);
  }
  assert.equal((await fetch(server.url, { method: "POST" })).status, 405);
});
