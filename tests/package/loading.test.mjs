// `Router.load` in Node: progress, cancelling, the `wasm` option, options of a wrong type.

/** @import { BundleSource, LoadProgress } from "pointsman" */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { brotliCompressSync } from "node:zlib";

import { loadBundle, Router } from "pointsman";
import bundle from "pointsman/default-bundle";
import { moduleOf } from "../../router-wasm/js/src/engine/wasm.js";
import { node as host } from "../../router-wasm/js/src/entry/node/host.js";
import { bundleFiles, TINY } from "../hosts/paths.mjs";
import { tar } from "../hosts/tar.mjs";
import { assertExpected, POLICY, QUERY } from "./expected.mjs";
import { copyOfPackage, PACKAGE } from "./packed.mjs";
import { refused, untyped } from "./refused.mjs";
import { startServer } from "./server.mjs";

const path = join(PACKAGE, "pkg/pointsman_bg.wasm");
const files = bundleFiles(TINY);
const bytes = Object.values(files).reduce((sum, { length }) => sum + length, 0);
const archive = tar(files);

const tiny = (/** @type {string} */ path) => {
  const name = path.replace("/tiny/", "");
  if (path === "/tiny.tar") return { headers: { "content-length": archive.length }, body: archive };
  if (path === "/chunked.tar") return { body: archive };
  if (path === "/compressed.tar") {
    const body = brotliCompressSync(archive);
    return { headers: { "content-encoding": "br", "content-length": body.length }, body };
  }
  return files[name] ? { body: files[name] } : undefined;
};
const server = await startServer(PACKAGE, { answers: tiny });
after(() => server.close());

/** @param {BundleSource} [source] */
async function progressOf(source) {
  /** @type {LoadProgress[]} */
  const heard = [];
  const router = await Router.load(source, { onProgress: (progress) => heard.push(progress) });
  router.free();
  assert.ok(heard.length > 0);
  heard.reduce((before, { loaded }) => {
    assert.ok(loaded >= before, "the bytes never decrease");
    return loaded;
  }, 0);
  return heard;
}

test("without a source load() takes the default bundle, the same as its subpath", async () => {
  for (const source of [undefined, bundle]) assertExpected((await Router.load(source)).route(QUERY, POLICY));
});

test("a folder's progress has the total that router.json states, from the first call on", async () => {
  for (const source of [TINY, new URL("tiny/", server.url)]) {
    const heard = await progressOf(source);
    assert.ok(
      heard.every(({ total }) => total === bytes),
      JSON.stringify(heard),
    );
    assert.equal(heard.at(-1)?.loaded, bytes);
  }
});

test("an archive's progress has its Content-Length as total", async () => {
  const heard = await progressOf(new URL("tiny.tar", server.url));
  assert.ok(heard.every(({ total }) => total === archive.length));
  assert.equal(heard.at(-1)?.loaded, archive.length);
});

test("if the length is not that of the decoded bytes, progress has no total", async () => {
  for (const path of ["chunked.tar", "compressed.tar"]) {
    const heard = await progressOf(new URL(path, server.url));
    assert.ok(
      heard.every(({ total }) => total === undefined),
      path,
    );
    assert.equal(heard.at(-1)?.loaded, archive.length);
  }
});

test("a source of bytes is complete at once", async () => {
  assert.deepEqual(await progressOf(files), [{ loaded: bytes, total: bytes }]);
  assert.deepEqual(await progressOf(archive), [{ loaded: archive.length, total: archive.length }]);
});

test("an error thrown by onProgress ends the load", async () => {
  const fault = new Error("mine");
  const onProgress = () => {
    throw fault;
  };
  await assert.rejects(Router.load(TINY, { onProgress }), fault);
});

test("a load cancelled while it waits for the wasm rejects with the reason, and the next one works", async () => {
  const { Router } = await import(pathToFileURL(join(await copyOfPackage(), "src/entry/node/index.js")).href);
  const controller = new AbortController();
  const reason = new Error("enough");
  const loading = Router.load(undefined, { signal: controller.signal, wasm: new Promise(() => {}) });
  setTimeout(() => controller.abort(reason), 1);
  await assert.rejects(loading, reason);
  assertExpected((await Router.load()).route(QUERY, POLICY));
});

test("loads share the start of the engine, and cancelling one does not affect the others", async () => {
  const { Router } = await import(pathToFileURL(join(await copyOfPackage(), "src/entry/node/index.js")).href);
  const controller = new AbortController();
  const { promise: wasm, resolve: give } = /** @type {PromiseWithResolvers<Uint8Array>} */ (Promise.withResolvers());
  const loads = [Router.load(undefined, { signal: controller.signal, wasm }), Router.load()];
  controller.abort(new Error("enough"));
  await assert.rejects(loads[0], /enough/);
  give(await readFile(path));
  assertExpected((await loads[1]).route(QUERY, POLICY));
});

test("archives end in .tar or .bin; data: and blob: are archives", async () => {
  const data = `data:application/octet-stream;base64,${Buffer.from(archive).toString("base64")}`;
  const blob = URL.createObjectURL(new Blob([archive]));
  for (const source of [data, blob]) {
    const router = await Router.load(source);
    assert.equal(router.info().name, JSON.parse(Buffer.from(files["router.json"]).toString()).name);
  }
  await refused(() => Router.load(new URL("tiny.zip", server.url)), "argument_source", /\.tar.*\.bin/);
});

const map = Buffer.from('{"points": []}');
const manifest = JSON.parse(Buffer.from(files["router.json"]).toString());
/** @type {Record<string, Uint8Array>} */
const mapped = {
  ...files,
  "router.json": Buffer.from(JSON.stringify({ ...manifest, map: { name: "map.json", bytes: map.length } })),
};
const mappedServer = await startServer(PACKAGE, {
  answers: (path) => {
    const name = path.replace("/mapped/", "");
    if (name === "map.json") return { body: map };
    return mapped[name] ? { body: mapped[name] } : undefined;
  },
});
after(() => mappedServer.close());

/**
 * The files of a folder's bundle, by name.
 * @param {BundleSource} source
 * @param {import("pointsman").LoadBundleOptions} [options]
 */
async function filesOf(source, options) {
  const loaded = await loadBundle(source, options);
  assert.ok(!(loaded instanceof Uint8Array), "the files, not an archive");
  return /** @type {Record<string, Uint8Array>} */ (loaded);
}

test("loadBundle gives a folder's files by name, those that router.json lists, and routers take them", async () => {
  for (const source of [TINY, new URL("tiny/", server.url), files]) {
    /** @type {LoadProgress[]} */
    const heard = [];
    const loaded = await filesOf(source, { onProgress: (progress) => heard.push(progress) });
    assert.deepEqual(Object.keys(loaded).sort(), Object.keys(files).sort());
    for (const [name, content] of Object.entries(files)) assert.deepEqual(loaded[name], content, name);
    assert.deepEqual(heard.at(-1), { loaded: bytes, total: bytes });
    const router = await Router.load(loaded);
    assert.equal(router.info().name, JSON.parse(Buffer.from(files["router.json"]).toString()).name);
    router.free();
  }
});

test("loadBundle gives an archive's bytes", async () => {
  for (const source of [archive, new Blob([archive]), new URL("tiny.tar", server.url)]) {
    assert.deepEqual(await loadBundle(source), archive);
  }
  assert.deepEqual(await loadBundle(), new Uint8Array(await readFile(join(PACKAGE, "pkg/default-bundle.bin"))));
});

test("loadBundle reads a folder's map where it is asked for, and counts it", async () => {
  const folder = new URL("mapped/", mappedServer.url);
  /** @type {LoadProgress[]} */
  const heard = [];
  const loaded = await filesOf(folder, { map: true, onProgress: (progress) => heard.push(progress) });
  assert.deepEqual(Buffer.from(loaded["map.json"]), map);
  const all = bytes - files["router.json"].length + mapped["router.json"].length + map.length;
  assert.deepEqual(heard.at(-1), { loaded: all, total: all });
  assert.equal((await filesOf(folder))["map.json"], undefined);
});

test("a router loads from a promised bundle, and the engine starts while it is pending", async () => {
  const { Router, RouterError } = await import(
    pathToFileURL(join(await copyOfPackage(), "src/entry/node/index.js")).href
  );
  const pending = new Promise(() => {});
  await assert.rejects(Router.load(pending, { wasm: "/nowhere.wasm" }), { code: "wasm_missing" });
  assertExpected((await Router.load(Promise.resolve(bundle))).route(QUERY, POLICY));
  const fault = new RouterError("fetch_failed", "no network");
  await assert.rejects(Router.load(Promise.reject(fault)), fault);
});

test("loadBundle refuses what is no source, names itself, and rejects with the signal's reason", async () => {
  await refused(() => loadBundle(untyped(42)), "argument_source", /^loadBundle\(\) was given a number/);
  await refused(() => loadBundle(TINY, untyped(42)), "argument_options", /loadBundle\(\)/);
  await refused(() => loadBundle(TINY, untyped({ signal: {} })), "argument_options", /signal/);
  await refused(() => loadBundle(new URL("nowhere/", server.url)), "fetch_failed", /status 404/);
  const reason = new Error("enough");
  await assert.rejects(loadBundle(TINY, { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const loading = loadBundle(new Promise(() => {}), { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(loading, reason);
});

test("options of a wrong type are refused by name", async () => {
  await refused(() => Router.load(files, untyped({ onProgress: 1 })), "argument_options", /onProgress/);
  await refused(() => Router.load(files, untyped({ signal: {} })), "argument_options", /signal/);
  await refused(() => Router.load(files, untyped(42)), "argument_options", /42/);
});

test("the wasm may be a path, a URL, a Response, bytes, a module or a promise of one of these", async () => {
  const content = await readFile(path);
  const url = new URL("package/pkg/pointsman_bg.wasm", server.url);
  const buffer = content.buffer.slice(content.byteOffset, content.byteOffset + content.length);
  const kinds = [
    path,
    pathToFileURL(path),
    url,
    url.href,
    await fetch(url),
    content,
    buffer,
    new WebAssembly.Module(content),
    Promise.resolve(content),
  ];
  for (const kind of kinds) assert.ok((await moduleOf(kind, host)) instanceof WebAssembly.Module);
});

test("missing and invalid wasm are refused with the cause", async () => {
  await refused(() => moduleOf("/nowhere.wasm", host), "wasm_missing", /nowhere\.wasm.*ENOENT/);
  await refused(() => moduleOf(join(PACKAGE, "package.json"), host), "wasm_missing", /package\.json/);
  await refused(() => moduleOf(new URL("nowhere.wasm", server.url), host), "wasm_missing", /status 404/);
  await refused(() => moduleOf("http://127.0.0.1:1/x.wasm", host), "fetch_failed");
  await refused(() => moduleOf(new Uint8Array(8), host), "argument_options", /8 bytes/);
  await refused(() => moduleOf(42, host), "argument_options", /42/);
  await refused(async () => moduleOf((await readFile(path)).subarray(0, 5000), host), "wasm_damaged");
});

test("a host without the needed wasm features and damaged wasm have different errors", async (t) => {
  t.mock.method(WebAssembly, "validate", () => false);
  const cut = (await readFile(path)).subarray(0, 5000);
  await refused(() => moduleOf(cut, host), "wasm_unsupported", /SIMD.*Safari 16\.4/);
});
