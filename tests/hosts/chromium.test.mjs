// The parity suite on the npm package in Chromium, in a page that imports its files without a bundler.

import { join } from "node:path";
import { after } from "node:test";

import { serveFolders } from "../../web/serve.mjs";
import { launch } from "./browser.mjs";
import { kinds } from "./kinds.mjs";
import { parity } from "./parity.mjs";
import { bundleFiles, ROOT, TINY } from "./paths.mjs";

const server = await serveFolders([
  ["/pkg/", join(ROOT, "router-wasm/js")],
  ["/bundle/", TINY],
  ["/", join(ROOT, "bench/hosts/chromium")],
]);
const browser = await launch();
after(async () => {
  await browser.close();
  await server.close();
});
const page = await browser.newPage();
await page.goto(new URL("empty.html", server.url).href);
const pointsman = await page.evaluateHandle(async (url) => {
  /** @type {typeof import("pointsman")} */
  const { Router, RouterError } = await import(url);
  return { Router, RouterError, router: await Router.load("./bundle/") };
}, "/pkg/src/entry/browser/index.js");

// As JSON text, since Playwright does not pass lone surrogates to the page unchanged.
parity("Chromium", (request) =>
  pointsman.evaluate(({ router, RouterError }, text) => {
    const { policy, ...input } = JSON.parse(text);
    try {
      return { decision: router.route(input, policy) };
    } catch (error) {
      if (!(error instanceof RouterError)) throw error;
      return { code: error.code };
    }
  }, JSON.stringify(request)),
);

kinds("Chromium", (folder, queries) => {
  const files = Object.entries(bundleFiles(folder)).map(([name, bytes]) => ({ name, bytes: [...bytes] }));
  return pointsman.evaluate(
    async ({ Router }, { files, queries }) => {
      const bytes = files.map(({ name, bytes }) => [name, new Uint8Array(bytes)]);
      const router = await Router.load(Object.fromEntries(bytes));
      const decisions = queries.map((query) => router.route(query));
      router.free();
      return decisions;
    },
    { files, queries },
  );
});
