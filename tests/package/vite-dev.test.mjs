// The installed package on Vite's development server, which by default serves dependencies from another
// folder.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { createServer } from "vite";

import { assertExpected } from "./expected.mjs";
import { project } from "./packed.mjs";
import { browserForTests, html, script } from "./page.mjs";

const browser = await browserForTests(after);
const root = await project({ "index.html": html("./main.js"), "main.js": script() });

/** @param {import("vite").InlineConfig} options */
async function opened(options) {
  const server = await createServer({
    root,
    configFile: false,
    logLevel: "error",
    server: { host: "127.0.0.1", port: 0, hmr: false, ws: false },
    ...options,
  });
  try {
    await server.listen();
    return await browser.open(new URL(server.resolvedUrls?.local[0] ?? ""));
  } finally {
    await server.close();
  }
}

test("with the package excluded from pre-bundling, the page and its thread decide as the sources do", async () => {
  const { answer } = await opened({ optimizeDeps: { exclude: ["pointsman"] } });
  assert.equal(answer.message, undefined);
  assert.equal(answer.decisions?.length, 2);
  answer.decisions?.forEach(assertExpected);
});

test("with the package pre-bundled, the default, the page and its thread decide as the sources do", async () => {
  const { answer, requests } = await opened({});
  assert.ok(
    requests.some((path) => path.includes("/.vite/deps/pointsman.js")),
    requests.join(),
  );
  assert.equal(answer.message, undefined);
  assert.equal(answer.decisions?.length, 2);
  answer.decisions?.forEach(assertExpected);
});
