// The installed package in a Cloudflare Worker, bundled by wrangler without configured rules and run in
// workerd.

import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";

import { Miniflare } from "miniflare";

import { COMPATIBILITY_DATE, withWrangler, worker } from "./builds.mjs";
import { assertExpected } from "./expected.mjs";
import { ASK } from "./page.mjs";

/** @type {Record<string, "ESModule" | "CompiledWasm" | "Data">} */
const KINDS = { ".js": "ESModule", ".wasm": "CompiledWasm", ".bin": "Data" };

/** @type {Miniflare[]} */
const running = [];
after(() => Promise.all(running.map((miniflare) => miniflare.dispose())));

/**
 * The answer of a Worker that was bundled by wrangler.
 * @param {string} main its main module
 */
async function deployed(main) {
  const { folder, names } = await withWrangler(main);
  const kind = (/** @type {string} */ name) => KINDS[name.slice(name.lastIndexOf("."))];
  const miniflare = new Miniflare({
    modules: names.map((name) => ({ type: kind(name), path: join(folder, name) })),
    modulesRoot: folder,
    compatibilityDate: COMPATIBILITY_DATE,
    host: "127.0.0.1",
  });
  running.push(miniflare);
  const response = await fetch(await miniflare.ready);
  return { answer: await response.json(), folder, names };
}

test("with the default bundle imported, a Worker decides as the sources do", async () => {
  const { answer, folder, names } = await deployed(
    worker(
      'import bundle from "pointsman/default-bundle";',
      `const router = await Router.load(bundle);
     return Response.json(router.route${ASK});`,
    ),
  );
  assertExpected(answer);
  const wasm = names.filter((name) => name.endsWith(".wasm"));
  assert.equal(wasm.length, 1, "one of the two wasm modules is deployed");
  assert.equal(names.filter((name) => name.endsWith(".bin")).length, 1);
  const script = await stat(join(folder, "index.js"));
  assert.ok(script.size < 200_000, `the script itself has ${script.size} bytes`);
});

test("without a source, the error says to import the bundle, and the script does not contain it", async () => {
  const { answer, names } = await deployed(worker("", "await Router.load();"));
  assert.deepEqual({ typed: answer.typed, code: answer.code }, { typed: true, code: "argument_source" });
  assert.match(answer.message, /pointsman\/default-bundle/);
  assert.ok(!names.some((name) => name.endsWith(".bin")), names.join());
});

test("a relative URL is refused, since a Worker has no base URL", async () => {
  const { answer } = await deployed(worker("", 'await Router.load("./bundle/");'));
  assert.equal(answer.code, "argument_source");
});

test("RouterWorker is a typed error, since Workers have no threads", async () => {
  const { answer } = await deployed(
    worker('import { RouterWorker } from "pointsman/worker";', "await RouterWorker.load();"),
  );
  assert.deepEqual({ typed: answer.typed, code: answer.code }, { typed: true, code: "worker_unsupported" });
});

test("a wasm module imported by the Worker can be passed in", async () => {
  const { answer } = await deployed(
    worker(
      `import bundle from "pointsman/default-bundle.bin";
     import wasm from "pointsman/wasm";`,
      `const router = await Router.load(bundle, { wasm });
     return Response.json(router.route${ASK});`,
    ),
  );
  assertExpected(answer);
});

test("the error for bytes in place of a module says that they cannot be compiled", async () => {
  const { answer } = await deployed(
    worker(
      'import bundle from "pointsman/default-bundle";',
      `const wasm = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
     await Router.load(bundle, { wasm });`,
    ),
  );
  assert.equal(answer.code, "wasm_unsupported", answer.message);
  assert.match(answer.message, /import the module/);
});
