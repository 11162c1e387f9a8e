// The installed package in a Cloudflare Worker: bundled by wrangler without any rule of its own, run in
// workerd.

import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";

import { Miniflare } from "miniflare";

import { assertExpected } from "./expected.mjs";
import { ASK } from "./page.mjs";
import { project, program, run } from "./packed.mjs";

const DATE = "2026-06-01";
const KINDS = { ".js": "ESModule", ".wasm": "CompiledWasm", ".bin": "Data" };

const running = [];
after(() => Promise.all(running.map((miniflare) => miniflare.dispose())));

/** A Worker's answer, by wrangler's bundle of `main`; `folder` is what would be sent. */
async function deployed(main) {
  const root = await project({
    "index.js": main,
    "wrangler.json": JSON.stringify({ name: "consumer", main: "index.js", compatibility_date: DATE }),
  });
  const folder = join(root, "sent");
  await run(program("wrangler"), ["deploy", "--dry-run", "--outdir", folder], {
    cwd: root,
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: join(root, "logs"), CI: "true" },
  });
  const names = (await readdir(folder)).filter((name) => /\.(js|wasm|bin)$/.test(name));
  const ending = (name) => name.slice(name.lastIndexOf("."));
  const modules = names.map((name) => ({ type: KINDS[ending(name)], path: join(folder, name) }));
  modules.sort((a, b) => b.path.endsWith("index.js") - a.path.endsWith("index.js"));
  const miniflare = new Miniflare({ modules, modulesRoot: folder, compatibilityDate: DATE, host: "127.0.0.1" });
  running.push(miniflare);
  const response = await fetch(await miniflare.ready);
  return { answer: await response.json(), folder, names };
}

const worker = (imports, body) => `
  import { Router, RouterError } from "switchyard-router";
  ${imports}
  export default {
    async fetch() {
      try {
        ${body}
      } catch (error) {
        return Response.json({ typed: error instanceof RouterError, code: error.code, message: error.message });
      }
    },
  };`;

test("with the default bundle imported, it decides as the sources do", async () => {
  const { answer, folder, names } = await deployed(worker(
    'import bundle from "switchyard-router/default-bundle";',
    `const router = await Router.load(bundle);
     return Response.json(router.route${ASK});`,
  ));
  assertExpected(answer);
  const wasm = names.filter((name) => name.endsWith(".wasm"));
  assert.equal(wasm.length, 1, "one of the two modules is sent");
  assert.equal(names.filter((name) => name.endsWith(".bin")).length, 1);
  const script = await stat(join(folder, "index.js"));
  assert.ok(script.size < 200_000, `the script itself has ${script.size} bytes`);
});

test("without a source, it says to import the bundle, and does not carry it", async () => {
  const { answer, names } = await deployed(worker("", "await Router.load();"));
  assert.deepEqual({ typed: answer.typed, code: answer.code }, { typed: true, code: "argument_source" });
  assert.match(answer.message, /switchyard-router\/default-bundle/);
  assert.ok(!names.some((name) => name.endsWith(".bin")), names.join());
});

test("a relative URL has nothing to be relative to", async () => {
  const { answer } = await deployed(worker("", 'await Router.load("./bundle/");'));
  assert.equal(answer.code, "argument_source");
});

test("a RouterWorker is a typed error, as there are no threads", async () => {
  const { answer } = await deployed(worker(
    'import { RouterWorker } from "switchyard-router/worker";',
    "await RouterWorker.load();",
  ));
  assert.deepEqual({ typed: answer.typed, code: answer.code }, { typed: true, code: "worker_unsupported" });
});

test("a module imported by the Worker itself can be handed in", async () => {
  const { answer } = await deployed(worker(
    `import bundle from "switchyard-router/default-bundle.bin";
     import wasm from "switchyard-router/wasm";`,
    `const router = await Router.load(bundle, { wasm });
     return Response.json(router.route${ASK});`,
  ));
  assertExpected(answer);
});

test("bytes in place of a module cannot be compiled there, and the error says so", async () => {
  const { answer } = await deployed(worker(
    'import bundle from "switchyard-router/default-bundle";',
    `const wasm = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
     await Router.load(bundle, { wasm });`,
  ));
  assert.equal(answer.code, "wasm_unsupported", answer.message);
  assert.match(answer.message, /import the module/);
});
