// The parity suite on the npm package in Chromium, in the demo page's own origin.

import { after } from "node:test";

import { startPage } from "../../web/serve.mjs";
import { launch } from "./browser.mjs";
import { parity } from "./parity.mjs";
import { TINY } from "./paths.mjs";

const server = await startPage({ bundle: TINY });
const browser = await launch();
after(async () => {
  await browser.close();
  await server.close();
});
const page = await browser.newPage();
await page.goto(server.url.href);
await page.evaluate(async () => {
  const { Router } = await import("./pkg/browser.js");
  globalThis.router = await Router.load("./bundle/");
});

// As JSON text: a lone surrogate would not survive the way into the page otherwise.
parity("Chromium", (request) =>
  page.evaluate((text) => {
    const { policy, ...input } = JSON.parse(text);
    try {
      return { decision: globalThis.router.route(input, policy) };
    } catch (error) {
      return { code: error.code };
    }
  }, JSON.stringify(request)),
);
