// Two copies of the package in one process: each has its own engine and error class, the adapters accept
// the other copy's router, and JavaScript of one version does not run wasm of another.

import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { ROOT } from "../hosts/paths.mjs";
import { assertExpected, POLICY, QUERY } from "./expected.mjs";
import { project } from "./packed.mjs";
import { untyped } from "./refused.mjs";

const folder = await project({});
const installed = join(folder, "node_modules/pointsman");

/**
 * Makes another copy, with another version number if given.
 * @param {string} name
 * @param {string} [version]
 * @returns {Promise<typeof import("pointsman") & typeof import("pointsman/openai")>}
 */
async function copy(name, version) {
  const place = join(folder, "copies", name);
  await cp(installed, place, { recursive: true });
  if (version) {
    const file = join(place, "src/version.js");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace(/"[^"]+"/, JSON.stringify(version)));
  }
  const load = (/** @type {string} */ entry) => import(pathToFileURL(join(place, entry)).href);
  return { ...(await load("src/entry/node/index.js")), ...(await load("src/adapters/openai.js")) };
}

/** @type {(own: typeof import("pointsman").RouterError, ...parts: RegExp[]) => (error: unknown) => true} */
const wrongVersion =
  (RouterError, ...parts) =>
  (error) => {
    assert.ok(error instanceof RouterError, String(error));
    assert.equal(error.code, "wasm_wrong_version", error.message);
    for (const part of parts) assert.match(error.message, part);
    return true;
  };

test("both copies decide, and freeing a router of one does not affect the other", async () => {
  const [a, b] = [await copy("a"), await copy("b")];
  assert.notEqual(a.Router, b.Router);
  const [first, second] = [await a.Router.load(), await b.Router.load()];
  assertExpected(first.route(QUERY, POLICY));
  first.free();
  assertExpected(second.route(QUERY, POLICY));
});

test("an error has the class of its own copy and the same code", async () => {
  const [a, b] = [await copy("c"), await copy("d")];
  const error = await a.Router.load("/nowhere").catch((/** @type {unknown} */ error) => error);
  assert.ok(error instanceof a.RouterError);
  assert.equal(error.code, "file_unreadable");
  assert.ok(!(error instanceof b.RouterError));
});

test("an adapter accepts the other copy's router", async () => {
  const [a, b] = [await copy("e"), await copy("f")];
  /** @type {{model: string} | undefined} */
  let sent;
  const fetch = a.routedFetch(await b.Router.load(), {
    policy: POLICY,
    fetch: async (_, init) => {
      sent = JSON.parse(String(init?.body));
      return Response.json({});
    },
  });
  const body = JSON.stringify({ model: "auto", messages: [{ role: "user", content: QUERY }] });
  await fetch("http://localhost/v1/chat/completions", { method: "POST", body });
  assert.ok(sent && sent.model !== "auto");
});

test("an adapter refuses a router that lacks a needed method, and names the method", async () => {
  const { routedFetch, RouterError } = await copy("g");
  const older = { route: () => {}, info: () => ({ candidates: [] }) };
  assert.throws(
    () => routedFetch(untyped(older)),
    (error) => {
      assert.ok(error instanceof RouterError);
      assert.equal(error.code, "argument_router");
      assert.match(error.message, /without routeBatch\(\)/);
      return true;
    },
  );
});

test("wasm of another version is refused each time, with both versions in the error", async () => {
  const { Router, RouterError } = await copy("h", "9.9.9");
  for (let round = 0; round < 2; round += 1) {
    await assert.rejects(
      Router.load(),
      wrongVersion(RouterError, /wasm is of version \d/, /version 9\.9\.9/, /reload/),
    );
  }
});

test("wasm of another program is refused, and the right one is accepted afterwards", async () => {
  const { Router, RouterError } = await copy("i");
  const wasm = await readFile(join(ROOT, "worker/build/pointsman_worker_bg.wasm"));
  await assert.rejects(Router.load(undefined, { wasm }), wrongVersion(RouterError, /another version/));
  assertExpected((await Router.load()).route(QUERY, POLICY));
});
