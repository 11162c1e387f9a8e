// The bytes that a user of each host downloads or deploys, against budgets, to notice an added
// dependency or a second module. Every run prints the table.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { brotliSize, sizes } from "../../bench/bytes.mjs";
import { serveFolders } from "../../web/serve.mjs";
import { PAGES, withWrangler, worker } from "./builds.mjs";
import { packed } from "./packed.mjs";
import { ASK, browserForTests } from "./page.mjs";

const MIB = 1024 * 1024;
/** Budgets in bytes after gzip -9. The Worker's is the limit of a script in Cloudflare's free plan. */
const BUDGETS = { tarball: 4.5 * MIB, page: 2.75 * MIB, script: 24 * 1024, worker: 3 * MIB };

const browser = await browserForTests(after);
/** @type {Map<string, number>} */
const compressed = new Map();

/**
 * The size after brotli -q 11, which is slow, so it is computed once for the same bytes.
 * @param {Uint8Array} part
 */
function brotli(part) {
  const key = createHash("sha256").update(part).digest("hex");
  const size = compressed.get(key) ?? brotliSize([part]);
  compressed.set(key, size);
  return size;
}

/** @param {import("node:test").TestContext} t @param {string} name @param {Uint8Array[]} parts @param {number} budget */
function checked(t, name, parts, budget) {
  const { raw, gzip } = sizes(parts);
  const small = parts.reduce((sum, part) => sum + brotli(part), 0);
  t.diagnostic(`${name} | ${raw} raw | ${gzip} gzip -9 | ${small} brotli -q 11`);
  assert.ok(gzip <= budget, `${name}: ${gzip} bytes after gzip, budget ${Math.floor(budget)}`);
}

test("Node, Deno: the tarball and its installed files are within their budgets", async (t) => {
  const { path, files } = await packed();
  const tarball = readFileSync(path);
  const installed = files.reduce((sum, { size }) => sum + size, 0);
  t.diagnostic(`npm tarball | ${installed} installed | ${tarball.length} downloaded (.tgz)`);
  assert.ok(tarball.length <= BUDGETS.tarball, `${tarball.length} bytes`);
});

for (const [name, build] of Object.entries(PAGES)) {
  test(`${name}: the downloads of a page that routes are within their budgets`, async (t) => {
    const folder = await build({ thread: false });
    const server = await serveFolders([["/", folder]]);
    const { answer, requests } = await browser.open(new URL("index.html", server.url)).finally(server.close);
    assert.equal(answer.message, undefined);
    const paths = [...new Set(requests)].filter((path) => /\.(js|wasm|bin)$/.test(path));
    const read = (/** @type {string} */ ending) =>
      paths.filter((path) => path.endsWith(ending)).map((path) => readFileSync(join(folder, path)));
    checked(t, `browser by ${name}, JavaScript`, read(".js"), BUDGETS.script);
    checked(t, `browser by ${name}, wasm`, read(".wasm"), BUDGETS.page);
    checked(t, `browser by ${name}, default bundle`, read(".bin"), BUDGETS.page);
    checked(
      t,
      `browser by ${name}, in all`,
      paths.map((path) => readFileSync(join(folder, path))),
      BUDGETS.page,
    );
  });
}

test("Cloudflare Workers: a deployment is within its budgets", async (t) => {
  const { folder, names } = await withWrangler(
    worker(
      'import bundle from "pointsman/default-bundle";',
      `return Response.json((await Router.load(bundle)).route${ASK});`,
    ),
  );
  const parts = names.map((name) => readFileSync(join(folder, name)));
  checked(t, "Worker with the default bundle", parts, BUDGETS.worker);
  const others = names.filter((name) => !name.endsWith(".bin"));
  checked(
    t,
    "Worker without a bundle",
    others.map((name) => readFileSync(join(folder, name))),
    BUDGETS.worker,
  );
});
