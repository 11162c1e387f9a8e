// `pointsman/langchain` with LangChain's fake models.

/** @import { Decision, RouterErrorCode } from "pointsman" */

import assert from "node:assert/strict";
import { test } from "node:test";

import { AIMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import { StringOutputParser } from "@langchain/core/output_parsers";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { Router } from "pointsman";
import { routedRunnable } from "pointsman/langchain";

import { TINY } from "../hosts/paths.mjs";
import { untyped, withCode } from "./refused.mjs";

const QUERY = "What is the capital of Italy?";
const router = await Router.load(TINY);
const { strong = "", weak = "" } = router.info().head;
const ids = router.info().candidates.map(({ id }) => id);
const WEAK = { threshold: 1, candidates: [strong, weak] };
const STRONG = { threshold: 0, candidates: [strong, weak] };
const models = () => Object.fromEntries(ids.map((id) => [id, new FakeListChatModel({ responses: [`I am ${id}`] })]));

test("invoke is answered by the chosen model, for every form of input", async () => {
  /** @type {Decision[]} */
  const heard = [];
  const routed = routedRunnable(router, {
    models: models(),
    policy: WEAK,
    onDecision: (decision) => heard.push(decision),
  });
  const prompt = await ChatPromptTemplate.fromMessages([
    ["system", "Be brief."],
    ["human", "{query}"],
  ]).invoke({ query: QUERY });
  /** @type {import("@langchain/core/language_models/base").BaseLanguageModelInput[]} */
  const inputs = [
    QUERY,
    [new SystemMessage("Be brief."), new HumanMessage(QUERY)],
    [["human", QUERY]],
    [{ role: "user", content: QUERY }],
    prompt,
  ];
  for (const input of inputs) assert.equal((await routed.invoke(input)).text, `I am ${weak}`);
  for (const decision of heard) assert.equal(decision.winRate, router.route(QUERY).winRate);
  assert.equal(heard.length, inputs.length);
});

test("stream() passes on the chosen model's chunks", async () => {
  const pieces = [];
  for await (const { text } of await routedRunnable(router, { models: models(), policy: STRONG }).stream(QUERY))
    pieces.push(text);
  assert.equal(pieces.join(""), `I am ${strong}`);
  assert.ok(pieces.length > 5, `${pieces.length} pieces`);
});

test("the Runnable works in a chain and in batches", async () => {
  const chain = ChatPromptTemplate.fromTemplate("{query}")
    .pipe(routedRunnable(router, { models: models(), policy: STRONG }))
    .pipe(new StringOutputParser());
  assert.deepEqual(await chain.batch([{ query: QUERY }, { query: "Hi" }]), [`I am ${strong}`, `I am ${strong}`]);
});

test("a conversation is rated by the texts of its human messages", async () => {
  /** @type {Decision | undefined} */
  let decision;
  const routed = routedRunnable(router, {
    models: models(),
    onDecision: (made) => {
      decision = made;
    },
  });
  await routed.invoke([
    new HumanMessage({
      content: [
        { type: "text", text: QUERY },
        { type: "image_url", image_url: "data:image/png;base64,AAAA" },
      ],
    }),
    new AIMessage("Rome."),
    new HumanMessage("And of France?"),
  ]);
  assert.deepEqual(
    decision,
    router.route([
      { role: "user", content: QUERY },
      { role: "user", content: "And of France?" },
    ]),
  );
});

test("a call without text fails with its code, or goes to the caller's default model", async () => {
  const image = [new HumanMessage({ content: [{ type: "image_url", image_url: "data:image/png;base64,AAAA" }] })];
  const options = { models: models(), policy: WEAK };
  await assert.rejects(routedRunnable(router, options).invoke(image), { code: "messages_without_text" });
  assert.equal(
    (await routedRunnable(router, { ...options, withoutText: strong }).invoke(image)).text,
    `I am ${strong}`,
  );
  await assert.rejects(routedRunnable(router, options).invoke(untyped(42)), { code: "argument_messages" });
});

test("invalid options are refused when the Runnable is made", () => {
  const { [strong]: _, ...incomplete } = models();
  /** @type {[words: unknown[], code: RouterErrorCode][]} */
  const cases = [
    [[null, { models: models() }], "argument_router"],
    [[router, { models: incomplete }], "argument_models"],
    [[router, { models: { ...models(), nobody: models()[weak] } }], "argument_models"],
    [[router, { models: { ...models(), [strong]: "gpt-5" } }], "argument_models"],
    [[router, { models: models(), policy: { strongShare: 2 } }], "policy_out_of_range"],
  ];
  for (const [words, code] of cases) assert.throws(() => untyped(routedRunnable)(...words), withCode(code));
});
