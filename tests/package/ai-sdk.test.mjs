// `pointsman/ai-sdk` with the package `ai` and its mock models.

/**
 * @import { LanguageModelV4FinishReason, LanguageModelV4GenerateResult, LanguageModelV4StreamPart,
 *   LanguageModelV4ToolCall } from "@ai-sdk/provider"
 */
/** @import { ModelMessage } from "ai" */
/** @import { Decision, Policy, RouterErrorCode } from "pointsman" */

import assert from "node:assert/strict";
import { test } from "node:test";

import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { MockLanguageModelV4, simulateReadableStream } from "ai/test";
import { Router } from "pointsman";
import { routedModel } from "pointsman/ai-sdk";

import { TINY } from "../hosts/paths.mjs";
import { untyped, withCode } from "./refused.mjs";

const QUERY = "What is the capital of Italy?";
const router = await Router.load(TINY);
const { strong = "", weak = "" } = router.info().head;
const ids = router.info().candidates.map(({ id }) => id);
const STRONG = { threshold: 0, candidates: [strong, weak] };
const WEAK = { threshold: 1, candidates: [strong, weak] };

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};
/** @type {(unified: LanguageModelV4FinishReason["unified"]) => LanguageModelV4FinishReason} */
const finish = (unified) => ({ unified, raw: undefined });
/** @type {(text: string) => LanguageModelV4GenerateResult} */
const says = (text) => ({ content: [{ type: "text", text }], finishReason: finish("stop"), usage, warnings: [] });
/** @type {(text: string) => LanguageModelV4StreamPart[]} */
const parts = (text) => [
  { type: "stream-start", warnings: [] },
  { type: "text-start", id: "1" },
  { type: "text-delta", id: "1", delta: text },
  { type: "text-end", id: "1" },
  { type: "finish", finishReason: finish("stop"), usage, providerMetadata: { mock: { id: 1 } } },
];

/** @type {(id: string, options?: ConstructorParameters<typeof MockLanguageModelV4>[0]) => MockLanguageModelV4} */
const model = (id, options = {}) =>
  new MockLanguageModelV4({
    modelId: id,
    doGenerate: says(`I am ${id}`),
    doStream: async () => ({ stream: simulateReadableStream({ chunks: parts(`I am ${id}`) }) }),
    ...options,
  });
const models = () => Object.fromEntries(ids.map((id) => [id, model(id)]));

test("generateText is answered by the chosen model, with the decision in its metadata", async () => {
  /** @type {[policy: Policy, id: string][]} */
  const cases = [
    [STRONG, strong],
    [WEAK, weak],
  ];
  for (const [policy, id] of cases) {
    const all = models();
    /** @type {Decision[]} */
    const heard = [];
    const routed = routedModel(router, { models: all, policy, onDecision: (decision) => heard.push(decision) });
    const { text, providerMetadata } = await generateText({
      model: routed,
      system: "Be brief.",
      prompt: QUERY,
      temperature: 0.3,
    });
    assert.equal(text, `I am ${id}`);
    assert.deepEqual(providerMetadata?.pointsman, router.route(QUERY, policy));
    assert.deepEqual(heard, [providerMetadata?.pointsman]);
    assert.equal(all[id].doGenerateCalls[0].temperature, 0.3);
    for (const other of ids.filter((other) => other !== id)) assert.equal(all[other].doGenerateCalls.length, 0);
  }
});

test("streamText streams from the chosen model, and the decision is added to the metadata of the last part", async () => {
  const routed = routedModel(router, { models: models(), policy: WEAK });
  const stream = streamText({ model: routed, prompt: QUERY });
  let text = "";
  for await (const piece of stream.textStream) text += piece;
  assert.equal(text, `I am ${weak}`);
  const metadata = await stream.providerMetadata;
  assert.equal(metadata?.pointsman.model, weak);
  assert.deepEqual(metadata?.mock, { id: 1 });
});

test("tools are called, and every step of the loop goes to the same model", async () => {
  /** @type {LanguageModelV4ToolCall} */
  const call = { type: "tool-call", toolCallId: "1", toolName: "weather", input: '{"city":"Rome"}' };
  const answers = [{ ...says(""), content: [call], finishReason: finish("tool-calls") }, says("Sunny.")];
  const all = { ...models(), [strong]: model(strong, { doGenerate: answers }) };
  /** @type {import("ai").Schema<{city: string}>} */
  const inputSchema = jsonSchema({ type: "object", properties: { city: { type: "string" } } });
  const weather = tool({
    inputSchema,
    execute: async ({ city }) => `sunny in ${city}`,
  });
  const { text, steps } = await generateText({
    model: routedModel(router, { models: all, policy: STRONG }),
    tools: { weather },
    prompt: "What is the weather in Rome?",
    stopWhen: stepCountIs(3),
  });
  assert.equal(text, "Sunny.");
  assert.equal(steps.length, 2);
  assert.equal(all[strong].doGenerateCalls.length, 2);
  assert.equal(all[strong].doGenerateCalls[0].tools?.[0].name, "weather");
  assert.deepEqual(
    steps.map(({ providerMetadata }) => providerMetadata?.pointsman.model),
    [strong, strong],
  );
});

test("a conversation is rated by the texts of its user messages", async () => {
  /** @type {Decision | undefined} */
  let decision;
  /** @type {ModelMessage[]} */
  const messages = [
    {
      role: "user",
      content: [
        { type: "text", text: QUERY },
        { type: "file", data: new Uint8Array(9), mediaType: "image/png" },
      ],
    },
    { role: "assistant", content: "Rome." },
    { role: "user", content: "And of France?" },
  ];
  const routed = routedModel(router, {
    models: models(),
    onDecision: (made) => {
      decision = made;
    },
  });
  await generateText({ model: routed, messages });
  assert.deepEqual(
    decision,
    router.route([
      { role: "user", content: QUERY },
      { role: "user", content: "And of France?" },
    ]),
  );
});

test("a call without text fails with its code, or goes to the caller's default model", async () => {
  /** @type {ModelMessage[]} */
  const messages = [{ role: "user", content: [{ type: "file", data: new Uint8Array(9), mediaType: "image/png" }] }];
  const options = { models: models(), policy: WEAK };
  await assert.rejects(generateText({ model: routedModel(router, options), messages }), {
    code: "messages_without_text",
  });
  const routed = routedModel(router, { ...options, withoutText: strong });
  const { text, providerMetadata } = await generateText({ model: routed, messages });
  assert.equal(text, `I am ${strong}`);
  assert.deepEqual(providerMetadata?.pointsman, { model: strong });
});

test("an abort signal reaches the chosen model", async () => {
  const controller = new AbortController();
  const all = models();
  await generateText({
    model: routedModel(router, { models: all, policy: WEAK }),
    prompt: QUERY,
    abortSignal: controller.signal,
  });
  assert.equal(all[weak].doGenerateCalls[0].abortSignal?.aborted, false);
  controller.abort();
  assert.equal(all[weak].doGenerateCalls[0].abortSignal?.aborted, true);
});

test("URLs are passed on if every model supports them", async () => {
  const all = Object.fromEntries(
    ids.map((id, i) => [
      id,
      model(id, {
        supportedUrls: {
          "image/*": [/^https:\/\/a/, ...(i === 0 ? [/^https:\/\/b/] : [])],
          ...(i === 0 ? { "audio/*": [/./] } : {}),
        },
      }),
    ]),
  );
  assert.deepEqual(await routedModel(router, { models: all }).supportedUrls, { "image/*": [/^https:\/\/a/] });
});

test("invalid options are refused when the model is made", () => {
  const { [strong]: _, ...incomplete } = models();
  /** @type {[words: unknown[], code: RouterErrorCode][]} */
  const cases = [
    [[undefined, { models: models() }], "argument_router"],
    [[router], "argument_options"],
    [[router, {}], "argument_models"],
    [[router, { models: 1 }], "argument_options"],
    [[router, { models: incomplete }], "argument_models"],
    [[router, { models: { ...models(), nobody: model("x") } }], "argument_models"],
    [[router, { models: { ...models(), [strong]: "openai/gpt-5" } }], "argument_models"],
    [
      [router, { models: { ...models(), [strong]: Object.assign(model(strong), { specificationVersion: "v2" }) } }],
      "argument_models",
    ],
    [[router, { models: models(), withoutText: "nobody" }], "argument_models"],
    [[router, { models: models(), policy: { threshold: -1 } }], "policy_out_of_range"],
    [[router, { models: models(), policy: { candidates: ["nobody"] } }], "policy_unknown_model"],
  ];
  for (const [words, code] of cases) assert.throws(() => untyped(routedModel)(...words), withCode(code));
});

test("a candidate that the policy never chooses needs no model", () => {
  const { [strong]: _, ...others } = models();
  routedModel(router, { models: others, policy: { candidates: [weak] } });
});
