// The installed package in Deno, without network.

import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";

import { DEFAULT } from "../hosts/paths.mjs";
import { assertExpected, POLICY, QUERY } from "./expected.mjs";
import { program, project, run } from "./packed.mjs";

const ASK = `(${JSON.stringify(QUERY)}, ${JSON.stringify(POLICY)})`;
const files = {
  "module.ts": `
    import { Router, type Decision } from "pointsman";
    const router = await Router.load();
    const decision: Decision = router.route${ASK};
    console.log(JSON.stringify(decision));`,
  "folder.ts": `
    import { Router } from "pointsman";
    const router = await Router.load(new URL("./bundle/", import.meta.url));
    console.log(JSON.stringify(router.route${ASK}));`,
  "thread.ts": `
    import { RouterWorker } from "pointsman/worker";
    const router = await RouterWorker.load();
    const decision = await router.route${ASK};
    console.log(JSON.stringify(decision));
    router.free();`,
  "error.ts": `
    import { Router, RouterError } from "pointsman";
    const error = await Router.load("./nowhere/").catch((error: unknown) => error);
    console.log(error instanceof RouterError && error.code);`,
};
const folder = await project(files);
await cp(DEFAULT, join(folder, "bundle"), { recursive: true });

const deno = (/** @type {string} */ script) =>
  run(program("deno"), ["run", "--no-prompt", "--allow-read", "--cached-only", script], {
    cwd: folder,
    env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" },
  });

for (const script of ["module.ts", "folder.ts", "thread.ts"]) {
  test(`Deno: ${script} decides as the sources do`, async () => {
    assertExpected(JSON.parse(await deno(script)));
  });
}

test("Deno: a missing path is a typed error", async () => {
  assert.equal((await deno("error.ts")).trim(), "file_unreadable");
});

test("Deno: the types check", async () => {
  await run(program("deno"), ["check", "module.ts", "thread.ts"], { cwd: folder });
});
