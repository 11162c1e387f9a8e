// Faults in a page: each is a typed error that names the file and says what to do.

/** @import { RouterErrorCode } from "pointsman" */
/** @import { ServedAnswer, Wrong } from "./server.mjs" */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";

import { assertExpected } from "./expected.mjs";
import { pagesForTests } from "./in-page.mjs";
import { ASK } from "./page.mjs";
import { INDEX_PAGE, startServer } from "./server.mjs";

const { folder, inPage } = await pagesForTests(after);
const wasm = readFileSync(join(folder, "pkg/pointsman_relaxed_bg.wasm"));

const isWasm = (/** @type {ServedAnswer} */ answer) => (/** @type {string} */ path) =>
  path.endsWith(".wasm") ? answer : undefined;
const ROUTE = `const router = await Router.load(); return router.route${ASK};`;
const csp = (/** @type {string} */ policy) => ({ headers: { "content-security-policy": policy } });

/** @param {Wrong} wrong @param {string} code @param {RouterErrorCode} expected @param {RegExp[]} parts of the message */
async function refused(wrong, code, expected, ...parts) {
  const answer = await inPage(code, wrong);
  assert.deepEqual(
    { typed: answer.typed, code: answer.code },
    { typed: true, code: expected },
    answer.message ?? JSON.stringify(answer.value),
  );
  for (const part of parts) assert.match(answer.message ?? "", part);
}

test("the page works without a fault", async () => {
  const { value, said } = await inPage(ROUTE);
  assertExpected(value);
  assert.deepEqual(said, []);
});

test("missing wasm: the error has its URL, the status and the remedy", () =>
  refused(
    { answers: isWasm({ status: 404, body: "" }) },
    ROUTE,
    "wasm_missing",
    /127\.0\.0\.1.*\/package\/pkg\/pointsman_relaxed_bg\.wasm/,
    /status 404/,
    /pkg\//,
    /\{ wasm \}/,
  ));

test("an index page in place of the wasm: the error has its content type and the likely cause", () =>
  refused(
    { answers: isWasm(INDEX_PAGE) },
    ROUTE,
    "wasm_missing",
    /status 200, content type text\/html; charset=utf-8/,
    /index page/,
  ));

for (const type of ["application/octet-stream", "text/plain", "application/wasm; charset=utf-8", undefined]) {
  test(`wasm of content type ${type} works, and the console stays empty`, async () => {
    const headers = type ? { "content-type": type } : {};
    const { value, message, said } = await inPage(ROUTE, { answers: isWasm({ headers, body: wasm }) });
    assertExpected(value ?? message);
    assert.deepEqual(said, []);
  });
}

for (const type of ["application/wasm", "application/octet-stream"]) {
  test(`truncated wasm of content type ${type} is reported as damaged`, () =>
    refused(
      { answers: isWasm({ headers: { "content-type": type }, body: wasm.subarray(0, 100_000) }) },
      ROUTE,
      "wasm_damaged",
      /again/,
    ));
}

test("a failed start can be repeated", async () => {
  let broken = true;
  const answers = (/** @type {string} */ path) => {
    if (!path.endsWith(".wasm") || !broken) return undefined;
    broken = false;
    return { status: 503, body: "" };
  };
  const { value } = await inPage(
    `
    const first = await Router.load().catch(({ code }) => code);
    const router = await Router.load();
    return { first, decision: router.route${ASK} };`,
    { answers },
  );
  assert.equal(value.first, "wasm_missing");
  assertExpected(value.decision);
});

test("a Content-Security-Policy that blocks the fetch is named", () =>
  refused(csp("connect-src 'none'"), ROUTE, "fetch_failed", /connect-src/));

test("a Content-Security-Policy that forbids wasm is named", () =>
  refused(csp("script-src 'self' 'unsafe-inline' blob:"), ROUTE, "wasm_unsupported", /'wasm-unsafe-eval'/));

test("a server of another origin without CORS headers is named", async () => {
  const other = await startServer(folder);
  try {
    await refused(
      {},
      `await Router.load("${other.url}package/pkg/default-bundle.bin");`,
      "fetch_failed",
      /CORS/,
      new RegExp(other.url.host),
    );
  } finally {
    await other.close();
  }
});

test("an offline page: the error has the address and what to check", async () => {
  const answer = await inPage(ROUTE, {}, ({ context }) => context.setOffline(true));
  assert.equal(answer.code, "fetch_failed", answer.message);
  assert.match(answer.message ?? "", /network/);
});

test("an index page in place of a bundle's file", () =>
  refused(
    { answers: (path) => (path.startsWith("/bundle/") ? INDEX_PAGE : undefined) },
    'await Router.load("/bundle/");',
    "fetch_failed",
    /\/bundle\/router\.json/,
    /text\/html/,
    /page/,
  ));

test("a bundle of a later format: the error has its format, the supported one and the remedy", () =>
  refused(
    { answers: (path) => (path === "/bundle/router.json" ? { body: '{"format": 2, "files": []}' } : undefined) },
    'await Router.load("/bundle/");',
    "bundle_unknown_format",
    /format 2/,
    /format 1/,
  ));

test("route() without a query and after free() is refused", async () => {
  await refused({}, "(await Router.load()).route(undefined);", "argument_query", /undefined/);
  await refused(
    {},
    "const router = await Router.load(); router.free(); router.route('x');",
    "router_freed",
    /load it again/,
  );
});

test("a missing thread script is reported", () =>
  refused(
    { answers: (path) => (path.endsWith("/worker-thread.js") ? { status: 404, body: "" } : undefined) },
    "await RouterWorker.load();",
    "worker_failed",
    /worker-thread/,
  ));

test("a Content-Security-Policy that forbids workers is named", () =>
  refused(csp("worker-src 'none'"), "await RouterWorker.load();", "worker_failed", /worker-src/));

test("wasm that is missing for the thread gives the same typed error", () =>
  refused({ answers: isWasm({ status: 404, body: "" }) }, "await RouterWorker.load();", "wasm_missing", /status 404/));

test("a thread module of another origin is reported", async () => {
  const other = await startServer(folder);
  try {
    await refused(
      {},
      `await RouterWorker.load(undefined, { worker: "${other.url}package/src/entry/browser/worker-thread.js" });`,
      "worker_failed",
      /origin/,
    );
  } finally {
    await other.close();
  }
});
