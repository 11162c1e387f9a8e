// Faults of the page, and the paths under which it works.

/** @import { Page, Route } from "playwright-core" */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { startPage } from "../../web/serve.mjs";
import { startBrowser } from "./open-page.mjs";

const { open, url } = await startBrowser(after, { base: "/tools/router/" });
const empty = await mkdtemp(join(tmpdir(), "pointsman-no-bundle-"));
const without = await startPage({ bundle: empty });
after(async () => {
  await without.close();
  await rm(empty, { recursive: true });
});
const alert = async (/** @type {Page} */ page) => (await page.getByRole("alert").textContent()) ?? "";

test("the page works under a path", () =>
  open({}, async (page) => {
    assert.equal(url.pathname, "/tools/router/");
    await page.fill("#query", "Hello");
    await page.waitForSelector(".scores");
  }));

test("a missing bundle is reported with its code, and another can be chosen", () =>
  open({ link: without.url.href, ready: false }, async (page) => {
    await page.getByRole("alert").waitFor();
    assert.match(await alert(page), /did not load.*404.*fetch_failed/s);
    await page.getByRole("combobox", { name: "Bundle" }).selectOption("accurate");
    await page.waitForSelector("#query");
  }));

test("an unknown bundle in the link is reported", () =>
  open({ link: "#/playground?bundle=nowhere", ready: false }, async (page) => {
    await page.getByRole("alert").waitFor();
    assert.match(await alert(page), /nowhere.*404/s);
  }));

const wasm = (/** @type {(route: Route) => Promise<void>} */ answer) => ({
  prepare: (/** @type {Page} */ page) => page.route("**/*.wasm", answer),
  ready: false,
});

test("missing wasm is reported as missing", () =>
  open(
    wasm((route) => route.fulfill({ status: 404, body: "no such file" })),
    async (page) => {
      await page.getByRole("alert").waitFor();
      assert.match(await alert(page), /files must be served together.*wasm_missing/s);
    },
  ));

test("an index page in place of the wasm, as hosts of single-page apps send it, is reported as such", () =>
  open(
    wasm((route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><p>Home" })),
    async (page) => {
      await page.getByRole("alert").waitFor();
      assert.match(await alert(page), /text\/html.*wasm_missing/s);
    },
  ));

test("wasm with a wrong MIME type works", () =>
  open(
    {
      prepare: (page) =>
        page.route("**/*.wasm", async (route) => {
          const response = await route.fetch();
          await route.fulfill({ response, headers: { ...response.headers(), "content-type": "text/plain" } });
        }),
    },
    async (page) => {
      await page.fill("#query", "Hello");
      await page.waitForSelector(".scores");
    },
  ));

test("a blocked fetch is reported as such", () =>
  open(
    wasm((route) => route.abort("blockedbyclient")),
    async (page) => {
      await page.getByRole("alert").waitFor();
      assert.match(await alert(page), /fetch_failed/);
    },
  ));

test("the page's server sends no file from outside its folder", async () => {
  for (const path of [
    "../package.json",
    "%2e%2e/package.json",
    "bundles/..%2f..%2f..%2fCargo.toml",
    "assets/%2e%2e%2f%2e%2e/package.json",
  ]) {
    assert.equal((await fetch(`${url.href}${path}`)).status, 404, path);
  }
  assert.equal((await fetch(url, { method: "POST" })).status, 405);
});
