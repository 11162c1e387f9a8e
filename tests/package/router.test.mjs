// The npm package's `Router` in Node: sources of a bundle, and errors.

/** @import { BundleInfo, BundleSource, Bytes, RouterErrorCode } from "pointsman" */

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";

import { Router } from "pointsman";

import { serveFolders } from "../../web/serve.mjs";
import { bundleFiles, TINY } from "../hosts/paths.mjs";
import { tar } from "../hosts/tar.mjs";
import { refused, untyped } from "./refused.mjs";

const QUERY = "What is the capital of Italy?";
const files = bundleFiles(TINY);
const router = await Router.load(files);
const expected = router.route(QUERY);

const scratch = await mkdtemp(join(tmpdir(), "pointsman-package-"));
const server = await serveFolders([["/bundle/", TINY]]);
after(async () => {
  await server.close();
  await rm(scratch, { recursive: true });
});

/** @typedef {Uint8Array<ArrayBuffer>} Content of a file */

const buffer = (/** @type {Content} */ bytes) =>
  bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
const mapped = (/** @type {(bytes: Content) => Bytes} */ change) =>
  Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, change(bytes)]));
const manifest = () => JSON.parse(Buffer.from(files["router.json"]).toString("utf8"));
const withManifest = (/** @type {(manifest: BundleInfo) => void} */ change) => {
  const changed = manifest();
  change(changed);
  return { ...files, "router.json": new TextEncoder().encode(JSON.stringify(changed)) };
};

test("a bundle loads from every kind of source and makes the same decision", async () => {
  const archive = join(scratch, "bundle.tar");
  await writeFile(archive, tar(files));
  const sources = {
    folder: TINY,
    "folder ending in a slash": `${TINY}/`,
    "file URL": pathToFileURL(TINY),
    "file URL as text": `${pathToFileURL(TINY)}/`,
    "http URL": new URL("bundle/", server.url),
    "http URL as text": `${server.url}bundle/`,
    "tar file": archive,
    "tar bytes": tar(files),
    "tar Blob": new Blob([tar(files)]),
    ArrayBuffers: mapped(buffer),
    Blobs: mapped((bytes) => new Blob([bytes])),
    Buffers: mapped((bytes) => Buffer.from(bytes)),
  };
  for (const [name, source] of Object.entries(sources)) {
    const loaded = await Router.load(source);
    assert.deepEqual(loaded.route(QUERY), expected, name);
    loaded.free();
  }
});

test("a text, messages and a request object give the same decision", () => {
  const messages = [
    { role: "system", content: "Be brief." },
    { role: "user", content: [{ type: "text", text: QUERY }] },
  ];
  for (const input of [{ query: QUERY }, messages, { messages }]) {
    assert.deepEqual(router.route(input), expected);
  }
});

test("the embedding has the size stated in the manifest and is finite", () => {
  const embedding = router.embed(QUERY);
  assert.ok(embedding instanceof Float32Array);
  assert.equal(embedding.length, router.info().encoder.embedding_size);
  assert.ok(embedding.every(Number.isFinite) && embedding.some((value) => value !== 0));
});

test("info is a copy of the manifest", () => {
  const info = router.info();
  assert.equal(info.name, manifest().name);
  info.candidates.length = 0;
  assert.equal(router.info().candidates.length, manifest().candidates.length);
});

test("arguments of a wrong type are refused", async () => {
  for (const input of [
    undefined,
    null,
    42,
    true,
    Symbol("x"),
    () => QUERY,
    {},
    { query: QUERY, messages: [] },
    { text: QUERY },
    { query: 42 },
  ]) {
    await refused(() => router.route(untyped(input)), "argument_query");
  }
  for (const query of [undefined, null, 42, {}, [QUERY]]) {
    await refused(() => router.embed(untyped(query)), "argument_query");
  }
  await refused(() => router.route(untyped({ messages: "hello" })), "argument_messages");
  await refused(() => router.route(untyped([{ role: "user", content: 1n }])), "argument_messages");
  const circular = [{ role: "user", content: "x", self: /** @type {unknown} */ (undefined) }];
  circular[0].self = circular;
  await refused(() => router.route(circular), "argument_messages");
  for (const policy of [
    0.5,
    "0.5",
    null,
    [],
    { threshold: "0.5" },
    { maxCost: 1n },
    { candidates: "all" },
    { candidates: [1] },
  ]) {
    await refused(() => router.route(QUERY, untyped(policy)), "argument_policy");
  }
  for (const source of [null, 42, [], { "router.json": "{}" }]) {
    await refused(() => Router.load(untyped(source)), "argument_source");
  }
  await refused(() => Router.load(files, untyped(null)), "argument_options");
  for (const cache of [-1, 1.5, NaN, "256", null, true, 1e9]) {
    await refused(() => Router.load(files, untyped({ cache })), "argument_options");
  }
  await refused(() => new (untyped(Router))(), "argument_source");
});

test("a cached rating gives the same decision, and another policy applies to it", async () => {
  for (const cache of [0, 1, 2, 1000]) {
    const own = await Router.load(files, { cache });
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual(own.route(QUERY), expected);
      assert.equal(own.route(QUERY, { threshold: 0 }).threshold, 0);
      own.route("another query");
    }
    own.free();
  }
});

test("numbers without a JSON form are refused, not dropped", async () => {
  for (const field of [
    "threshold",
    "strongShare",
    "maxCost",
    "costWeight",
    "outputTokens",
    "inputTokens",
    "turnDecay",
  ]) {
    for (const value of [NaN, Infinity, -Infinity]) {
      await refused(() => router.route(QUERY, { [field]: value }), "policy_out_of_range");
    }
  }
});

test("text that is not well-formed is refused", async () => {
  for (const text of ["\ud800", "a\udc00b", "\udbff\ud800"]) {
    await refused(() => router.route(text), "query_ill_formed");
    await refused(() => router.embed(text), "query_ill_formed");
    await refused(() => router.route([{ role: "user", content: text }]), "query_ill_formed");
  }
  await refused(() => router.route("a\0b"), "query_ill_formed");
  await refused(() => router.embed("a\0b"), "query_ill_formed");
  assert.ok(router.route("\u{1f680} is well-formed").model);
});

test("empty and huge queries are refused", async () => {
  for (const text of ["", "   ", "\n\t"]) await refused(() => router.route(text), "query_empty");
  const long = "x".repeat((16 << 20) + 1);
  for (const input of [long, [{ role: "user", content: long }]]) {
    await refused(() => router.route(input), "query_too_long");
  }
  await refused(() => router.embed(long), "query_too_long");
  await refused(() => router.route([]), "messages_without_text");
});

test("a long text is decided by its ends, plain or as a message, and all of it counts as tokens", () => {
  const long = "x".repeat(1 << 20);
  // Within the context windows.
  const policy = { inputTokens: 100 };
  const decision = router.route(long, policy);
  assert.deepEqual(router.route([{ role: "user", content: long }], policy), decision);
  assert.equal(decision.tokens, (1 << 20) / 8);
  assert.ok(decision.ratedTokens < 10, `${decision.ratedTokens}`);
  const { tokens, ratedTokens } = router.route("Is this short?");
  assert.ok(ratedTokens > 0 && ratedTokens === tokens);
});

test("damaged bundles are refused with the cause", async () => {
  const flipped = Uint8Array.from(files["model.onnx"]);
  flipped[flipped.length >> 1] ^= 1;
  const archive = tar(files);
  const { "tokenizer.json": _, ...incomplete } = files;
  /** @type {[source: BundleSource, code: RouterErrorCode][]} */
  const cases = [
    [{ ...files, "model.onnx": flipped }, "bundle_wrong_hash"],
    [{ ...files, "model.onnx": files["model.onnx"].subarray(1) }, "bundle_wrong_size"],
    [incomplete, "bundle_missing_file"],
    [{}, "bundle_missing_file"],
    [archive.subarray(0, archive.length >> 1), "bundle_bad_archive"],
    [archive.subarray(0, 700), "bundle_bad_archive"],
    [new Uint8Array(0), "bundle_bad_archive"],
    [new TextEncoder().encode("this is no tar archive, whatever its name says"), "bundle_bad_archive"],
    [{ ...files, "router.json": files["router.json"].subarray(0, 40) }, "bundle_bad_manifest"],
    [{ ...files, "router.json": new Uint8Array(5 << 20) }, "bundle_too_large"],
    [
      withManifest((m) => {
        m.format = 2;
      }),
      "bundle_unknown_format",
    ],
    [
      withManifest((m) => {
        m.kind = "oracle";
      }),
      "bundle_unknown_kind",
    ],
    [
      withManifest((m) => {
        m.candidates = [];
      }),
      "bundle_bad_manifest",
    ],
  ];
  for (const [source, code] of cases) await refused(() => Router.load(source), code);
  assert.deepEqual(router.route(QUERY), expected);
});

test("the error for a missing source names it", async () => {
  await refused(() => Router.load(join(scratch, "nowhere")), "file_unreadable");
  await refused(() => Router.load(scratch), "file_unreadable");
  await refused(() => Router.load(new URL("nowhere/", server.url)), "fetch_failed");
  await refused(() => Router.load("http://127.0.0.1:1/bundle/"), "fetch_failed");
  await refused(() => Router.load(new URL("bundle", server.url)), "argument_source");
  await refused(() => Router.load("https://"), "argument_source");
});

test("file names in a manifest cannot point outside the bundle", async () => {
  const folder = join(scratch, "elsewhere");
  const { mkdir } = await import("node:fs/promises");
  await mkdir(folder);
  const changed = withManifest((m) => {
    m.files.push({ ...m.files[0], name: "../secret" });
  });
  await writeFile(join(scratch, "secret"), "secret");
  for (const [name, bytes] of Object.entries(changed)) await writeFile(join(folder, name), bytes);
  await refused(() => Router.load(folder), "bundle_bad_manifest");
});

test("an abort signal cancels loading", async () => {
  const reason = new Error("changed my mind");
  await assert.rejects(Router.load(TINY, { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const loading = Router.load(new URL("bundle/", server.url), { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(loading, reason);
});

test("a freed router refuses calls, and freeing twice is allowed", async () => {
  const other = await Router.load(files);
  other.free();
  other.free();
  await refused(() => other.route(QUERY), "router_freed");
  await refused(() => other.embed(QUERY), "router_freed");
  await refused(() => other.info(), "router_freed");
  assert.deepEqual(router.route(QUERY), expected);
});
