// The installed package in pages built by Vite, webpack and esbuild and in a page without a bundler, in
// Chromium: on the page and in a thread, each under its own path.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";

import { serveFolders } from "../../web/serve.mjs";
import { PAGES } from "./builds.mjs";
import { assertExpected } from "./expected.mjs";
import { project, run } from "./packed.mjs";
import { browserForTests, html, script } from "./page.mjs";

const SUB_PATH = "/somewhere/deep/";

const browser = await browserForTests(after);

/** @param {string} folder */
async function opened(folder) {
  const server = await serveFolders([[SUB_PATH, folder]]);
  try {
    return await browser.open(new URL(`${SUB_PATH}index.html`, server.url));
  } finally {
    await server.close();
  }
}

/** @param {import("./page.mjs").Opened} page */
function assertRouted({ answer, said, requests }) {
  assert.equal(answer.message, undefined);
  assert.equal(answer.decisions?.length, 2);
  answer.decisions?.forEach(assertExpected);
  assert.deepEqual(said, []);
  assert.ok(
    requests.every((path) => path.startsWith(SUB_PATH)),
    requests.join(),
  );
}

for (const [name, build] of Object.entries(PAGES)) {
  test(`${name}: the page decides as the sources do under a path, and the console stays empty`, async () => {
    assertRouted(await opened(await build()));
  });

  test(`${name}: wasm and bundle are separate files, and a visitor fetches one wasm module`, async () => {
    const folder = await build();
    const names = await readdir(folder, { recursive: true });
    for (const ending of [".wasm", ".bin"])
      assert.ok(
        names.some((file) => file.endsWith(ending)),
        `${ending} in ${names}`,
      );
    const { requests } = await opened(folder);
    const modules = new Set(requests.filter((path) => path.endsWith(".wasm")));
    assert.equal(modules.size, 1, [...modules].join());
  });
}

test("no bundler: a module script with an import map decides as the sources do", async () => {
  const folder = await project({
    "index.html": `<!doctype html>
      <link rel="icon" href="data:,">
      <script type="importmap">{ "imports": {
        "pointsman": "./node_modules/pointsman/src/entry/browser/index.js",
        "pointsman/worker": "./node_modules/pointsman/src/entry/browser/worker.js"
      } }</script>
      <script type="module" src="./main.js"></script>`,
    "main.js": script(),
  });
  assertRouted(await opened(folder));
});

test("no bundler: files copied beside the page and imported by path decide as the sources do", async () => {
  const folder = await project({
    "index.html": html("./main.js"),
    "main.js": script()
      .replace('"pointsman"', '"./vendor/router/src/entry/browser/index.js"')
      .replace('"pointsman/worker"', '"./vendor/router/src/entry/browser/worker.js"'),
  });
  await run("cp", ["-r", "node_modules/pointsman", join(folder, "vendor-router")], { cwd: folder });
  await run("mkdir", ["vendor"], { cwd: folder });
  await run("mv", ["vendor-router", "vendor/router"], { cwd: folder });
  assertRouted(await opened(folder));
});
