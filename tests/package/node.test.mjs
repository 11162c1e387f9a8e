// The installed package in Node 22 and Node 20, and bundled into one file for Node.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";

import { build } from "esbuild";

import { ROOT } from "../hosts/paths.mjs";
import { assertExpected, EXPECTED, POLICY, QUERY } from "./expected.mjs";
import { project, run } from "./packed.mjs";

const NODES = {
  "Node 22 or later": process.execPath,
  "Node 20": join(ROOT, "node_modules/node-20/bin/node"),
};
const ASK = `(${JSON.stringify(QUERY)}, ${JSON.stringify(POLICY)})`;

const folder = await project({
  "module.mjs": `
    import { Router } from "pointsman";
    const router = await Router.load();
    console.log(JSON.stringify(router.route${ASK}));`,
  "script.cjs": `
    import("pointsman").then(async ({ Router }) => {
      const router = await Router.load();
      console.log(JSON.stringify(router.route${ASK}));
    });`,
  "from-bundle-subpath.mjs": `
    import { Router } from "pointsman";
    import bundle from "pointsman/default-bundle";
    const router = await Router.load(bundle);
    console.log(JSON.stringify(router.route${ASK}));`,
  "thread.mjs": `
    import { RouterWorker } from "pointsman/worker";
    const router = await RouterWorker.load();
    console.log(JSON.stringify(await router.route${ASK}));`,
  "adapters.mjs": `
    import { Router } from "pointsman";
    import { routedFetch } from "pointsman/openai";
    import { routedModel } from "pointsman/ai-sdk";
    const router = await Router.load();
    let decision;
    const fetch = routedFetch(router, { policy: ${JSON.stringify(POLICY)}, onDecision: (made) => { decision = made; }, fetch: async () => Response.json({}) });
    const body = JSON.stringify({ model: "auto", messages: [{ role: "user", content: ${JSON.stringify(QUERY)} }] });
    await fetch("http://localhost/v1/chat/completions", { method: "POST", body });
    if (typeof routedModel !== "function") throw new Error("no routedModel");
    console.log(JSON.stringify(decision));`,
});

for (const [name, node] of Object.entries(NODES)) {
  test(`${name}: the tests run on this version`, async () => {
    const version = await run(node, ["--version"]);
    assert.match(version, name === "Node 20" ? /^v20\./ : /^v(2[2-9]|[3-9]\d)\./);
  });
  for (const script of ["module.mjs", "script.cjs", "from-bundle-subpath.mjs", "thread.mjs", "adapters.mjs"]) {
    test(`${name}: ${script} decides as the sources do, and the process ends by itself`, async () => {
      assertExpected(JSON.parse(await run(node, [script], { cwd: folder })));
    });
  }
  test(`${name}: the installed command decides as the sources do`, async () => {
    const command = join(folder, "node_modules/pointsman/src/entry/command.js");
    const words = [command, "--json", "--strong-share", String(POLICY.strongShare), QUERY];
    assertExpected(JSON.parse(await run(node, words, { cwd: folder })));
  });
}

test("npm installs the command", async () => {
  const printed = await run(join(folder, "node_modules/.bin/pointsman"), [QUERY, "--strong-share", "0.4"], {
    cwd: folder,
  });
  assert.ok(printed.includes(EXPECTED.model), printed);
});

test("RouterWorker works in a process started with flags that threads refuse", async () => {
  const text = `import { RouterWorker } from "pointsman/worker";
    const router = await RouterWorker.load();
    console.log(JSON.stringify(await router.route${ASK}));`;
  assertExpected(JSON.parse(await run(process.execPath, ["--input-type=module", "--eval", text], { cwd: folder })));
});

test("a bundle by esbuild for Node without the package's files beside it names the missing file", async () => {
  await build({
    entryPoints: [join(folder, "module.mjs")],
    outfile: join(folder, "out/module.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "silent",
  });
  const failed = await new Promise((resolve) => {
    execFile(process.execPath, ["out/module.mjs"], { cwd: folder }, (error, _, stderr) => resolve({ error, stderr }));
  });
  assert.ok(failed.error);
  assert.match(failed.stderr, /code: '(wasm_missing|file_unreadable)'/);
});

test("a bundle by esbuild with the package as an external works", async () => {
  await build({
    entryPoints: [join(folder, "module.mjs")],
    outfile: join(folder, "external/module.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "silent",
  });
  assertExpected(JSON.parse(await run(process.execPath, ["external/module.mjs"], { cwd: folder })));
});
