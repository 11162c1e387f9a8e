// The types of the installed package: TypeScript checks projects that use all of the API.

import assert from "node:assert/strict";
import { test } from "node:test";

import { BUNDLER, checked, NODE } from "./type-check.mjs";

const MAIN = `
import { loadBundle, Router, RouterError } from "pointsman";
import type { BatchResult, BundleBytes, BundleInfo, Decision, LoadOptions, Policy, RouterErrorCode } from "pointsman";
import { RouterWorker } from "pointsman/worker";
import bundle from "pointsman/default-bundle";
import { routedFetch } from "pointsman/openai";

const options: LoadOptions = { cache: 0, onProgress: ({ loaded, total }) => loaded / (total ?? 1) };
const router: Router = await Router.load(bundle, options);
const policy: Policy = { threshold: 0.5 };
const decision: Decision = router.route("text", policy);
const winRate: number | undefined = decision.winRate;
const rows: BatchResult[] = router.routeBatch(["text", { messages: [{ role: "user", content: "text" }] }]);
for (const row of rows) {
  if (row.error) { const code: RouterErrorCode = row.error.code; void code; }
  else { const model: string = row.decision.model; void model; }
}
const info: BundleInfo = router.info();
const point: number | undefined = info.curves?.[0]?.router?.[0]?.[1];
const later: unknown = info.a_field_of_a_later_version;
const files: BundleBytes = await loadBundle("./bundle/", { map: true, signal: AbortSignal.timeout(1000) });
const fromFiles: Router = await Router.load(files);
await RouterWorker.load(loadBundle());
// @ts-expect-error: a bundle has bytes, not a text
const text: string = await loadBundle();
// @ts-expect-error: a number is no query
router.route(42);
// @ts-expect-error: no such field
router.route("text", { treshold: 0.5 });
// @ts-expect-error: made by load
new Router();
// @ts-expect-error: no such code
new RouterError("nonsense", "text");
// @ts-expect-error: no such source
await Router.load(42);
const thread: RouterWorker = await RouterWorker.load(undefined, { signal: AbortSignal.timeout(1000) });
const embedding: Float32Array = await thread.embed("text");
const send: typeof fetch = routedFetch(thread, { names: ["auto"], models: { a: "b" }, onDecision: ({ model }) => model });
void [winRate, point, later, embedding, send, fromFiles, text];
`;

const USING = `
import { Router } from "pointsman";
import { RouterWorker } from "pointsman/worker";
using router = await Router.load();
using thread = await RouterWorker.load();
await Router.load(undefined, { wasm: new WebAssembly.Module(new Uint8Array()) });
`;

const ADAPTERS = `
import { generateText } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { AIMessage } from "@langchain/core/messages";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import OpenAI from "openai";
import { Router } from "pointsman";
import { routedModel } from "pointsman/ai-sdk";
import { routedRunnable } from "pointsman/langchain";
import { routedFetch } from "pointsman/openai";

const router = await Router.load();
const model = routedModel(router, { models: { a: new MockLanguageModelV4() } });
await generateText({ model, prompt: "text" });
const runnable = routedRunnable(router, { models: { a: new FakeListChatModel({ responses: ["text"] }) } });
const content: string = (await runnable.invoke("text")).text;
new OpenAI({ fetch: routedFetch(router) });
void [content, AIMessage];
`;

const WORKER = `
import { Router } from "pointsman";
import bundle from "pointsman/default-bundle";
import bytes from "pointsman/default-bundle.bin";
import wasm from "pointsman/wasm";
const loaded: ArrayBuffer = bundle;
await Router.load(loaded, { wasm });
await Router.load(bytes);
`;

const FILES = `
import { Router } from "pointsman";
import bundle from "pointsman/default-bundle.bin";
import relaxed from "pointsman/wasm-relaxed-simd";
const url: string = bundle;
await Router.load(url, { wasm: relaxed });
`;

test("the types check with nodenext, Node's types and no DOM", () => checked(MAIN, { ...NODE, lib: ["es2023"] }));
test("the types check with bundler resolution and the DOM of es2022", () =>
  checked(MAIN, { ...BUNDLER, lib: ["es2022", "dom"] }));
test("the types check with bundler resolution and `using`, in the newest library", () =>
  checked(USING, { ...BUNDLER, lib: ["esnext", "dom"] }));
test("the adapters' types fit ai, LangChain and OpenAI's client", () =>
  checked(ADAPTERS, { ...NODE, lib: ["es2023", "dom"] }, { skips: true }));
test("the condition workerd exports bytes and a module", () =>
  checked(WORKER, { ...BUNDLER, lib: ["esnext", "dom"], customConditions: ["workerd"] }));
test("the types of the package's files check with bundler resolution", () =>
  checked(FILES, { ...BUNDLER, lib: ["es2022", "dom"] }));

test("a type error is found, so this suite can fail", async () => {
  await assert.rejects(
    checked(`import { Router } from "pointsman"; (await Router.load()).rout("x");`, {
      ...BUNDLER,
      lib: ["es2022", "dom"],
    }),
    /rout/,
  );
});
