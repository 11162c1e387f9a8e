// The client libraries of JavaScript that are driven against the gateway, each as a user's program would: with a
// conversation, a tool that reads a file, whole answers or streams, and without retries of its own.

/** @import { Api, Protocol } from "./programs.mjs" */

import { readFile } from "node:fs/promises";

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import { ChatAnthropic } from "@langchain/anthropic";
import { AIMessageChunk, HumanMessage } from "@langchain/core/messages";
import { tool as langchainTool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";

/**
 * @typedef {(prompt: string) => Promise<string>} Conversation answers, and remembers what was said
 * @typedef {{name: string, from: string, protocol: Protocol, over: Api[], streams: boolean,
 *   begin: (origin: string, key: string) => () => Conversation}} Library
 */

const NAME = "read_file";
const description = "Reads a file and returns its text";
const SCHEMA = {
  type: /** @type {const} */ ("object"),
  properties: { path: { type: /** @type {const} */ ("string"), description: "the file's path" } },
  required: ["path"],
  additionalProperties: false,
};
/** The tool; a model may call it with anything. */
const read = (/** @type {any} */ { path }) => readFile(path, "utf8");
/** The most turns of calls and results. */
const TURNS = 3;
const LIMIT = 4096;

/** @param {boolean} streams @returns {Library} */
const openaiChat = (streams) => ({
  name: "openai",
  from: "openai",
  protocol: "chat completions",
  over: ["openai", "anthropic"],
  streams,
  begin: (origin, apiKey) => {
    const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey, maxRetries: 0 });
    const tools = [
      {
        type: /** @type {const} */ ("function"),
        function: {
          name: NAME,
          description,
          parameters: SCHEMA,
          parse: (/** @type {string} */ text) => JSON.parse(text),
          function: read,
        },
      },
    ];
    return () => {
      /** @type {OpenAI.ChatCompletionMessageParam[]} */
      let messages = [];
      return async (prompt) => {
        messages.push({ role: "user", content: prompt });
        const asked = { model: "auto", messages, tools };
        const { completions } = client.chat;
        const runner = streams ? completions.runTools({ ...asked, stream: true }) : completions.runTools(asked);
        const text = await runner.finalContent();
        messages = runner.messages;
        return text ?? "";
      };
    };
  },
});

/** @param {boolean} streams @returns {Library} */
const openaiResponses = (streams) => ({
  name: "openai",
  from: "openai",
  protocol: "responses",
  over: ["openai"],
  streams,
  begin: (origin, apiKey) => {
    const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey, maxRetries: 0 });
    /** @type {OpenAI.Responses.Tool[]} */
    const tools = [{ type: "function", name: NAME, description, parameters: SCHEMA, strict: true }];
    return () => {
      /** @type {OpenAI.Responses.ResponseInput} */
      const input = [];
      return async (prompt) => {
        input.push({ role: "user", content: prompt });
        for (let turn = 0; turn < TURNS; turn += 1) {
          const asked = { model: "auto", input, tools, store: false };
          const { responses } = client;
          const answer = await (streams ? responses.stream(asked).finalResponse() : responses.create(asked));
          input.push(.../** @type {OpenAI.Responses.ResponseInput} */ (answer.output));
          const calls = answer.output.flatMap((item) => (item.type === "function_call" ? [item] : []));
          if (calls.length === 0) return answer.output_text;
          for (const { call_id, arguments: args } of calls) {
            input.push({ type: "function_call_output", call_id, output: await read(JSON.parse(args)) });
          }
        }
        throw new Error(`no answer after ${TURNS} turns`);
      };
    };
  },
});

/** @param {boolean} streams @returns {Library} */
const anthropicMessages = (streams) => ({
  name: "@anthropic-ai/sdk",
  from: "@anthropic-ai/sdk",
  protocol: "messages",
  over: ["anthropic", "openai"],
  streams,
  begin: (origin, apiKey) => {
    const client = new Anthropic({ baseURL: origin, apiKey, maxRetries: 0 });
    const tools = [betaTool({ name: NAME, description, inputSchema: SCHEMA, run: read })];
    return () => {
      /** @type {Anthropic.Beta.BetaMessageParam[]} */
      let messages = [];
      return async (prompt) => {
        const runner = client.beta.messages.toolRunner({
          model: "auto",
          max_tokens: LIMIT,
          thinking: { type: "enabled", budget_tokens: 1024 },
          messages: [...messages, { role: "user", content: prompt }],
          tools,
          stream: streams,
        });
        const { content } = await runner.runUntilDone();
        messages = [...runner.params.messages];
        if (messages.at(-1)?.role !== "assistant") messages.push({ role: "assistant", content });
        return content.map((block) => (block.type === "text" ? block.text : "")).join("");
      };
    };
  },
});

/** @type {import("ai").Schema<{path: string}>} */
const PATH = jsonSchema(SCHEMA);
/** @typedef {Parameters<typeof generateText>[0]["model"]} Model of the AI SDK */

/**
 * The AI SDK with one of its providers.
 * @param {string} from @param {Protocol} protocol @param {Api[]} over @param {boolean} streams
 * @param {(origin: string, apiKey: string) => Model} modelOf
 * @returns {Library}
 */
const aiSdk = (from, protocol, over, streams, modelOf) => ({
  name: `ai, ${from}`,
  from,
  protocol,
  over,
  streams,
  begin: (origin, apiKey) => {
    const settings = {
      model: modelOf(origin, apiKey),
      tools: { [NAME]: tool({ description, inputSchema: PATH, execute: read }) },
      stopWhen: stepCountIs(TURNS),
      maxRetries: 0,
      // Otherwise the conversation refers to what OpenAI stores, which another upstream does not have.
      providerOptions: { openai: { store: false } },
    };
    return () => {
      /** @type {import("ai").ModelMessage[]} */
      const messages = [];
      return async (prompt) => {
        messages.push({ role: "user", content: prompt });
        /** @type {unknown} */
        let failed;
        const onError = (/** @type {{error: unknown}} */ { error }) => {
          failed = error;
        };
        const result = streams
          ? streamText({ ...settings, messages, onError })
          : await generateText({ ...settings, messages });
        // Where a stream fails after its first text, the text is what came until then.
        const text = await Promise.resolve(result.text).catch((error) => Promise.reject(failed ?? error));
        if (failed) throw failed;
        messages.push(...(await result.response).messages);
        return text;
      };
    };
  },
});

/**
 * LangChain's chat models.
 * @param {string} from @param {Protocol} protocol @param {boolean} streams
 * @param {(origin: string, apiKey: string) => ChatOpenAI | ChatAnthropic} modelOf
 * @returns {Library}
 */
const langchain = (from, protocol, streams, modelOf) => ({
  name: from,
  from,
  protocol,
  over: ["openai", "anthropic"],
  streams,
  begin: (origin, apiKey) => {
    /** @type {import("@langchain/core/tools").StructuredToolInterface} */
    const reader = langchainTool(read, { name: NAME, description, schema: SCHEMA });
    const model = /** @type {ChatOpenAI} */ (modelOf(origin, apiKey)).bindTools([reader]);
    return () => {
      /** @type {import("@langchain/core/messages").BaseMessage[]} */
      const messages = [];
      return async (prompt) => {
        messages.push(new HumanMessage(prompt));
        for (let turn = 0; turn < TURNS; turn += 1) {
          const answer = streams ? await gathered(await model.stream(messages)) : await model.invoke(messages);
          messages.push(answer);
          if (!answer.tool_calls?.length) return answer.text;
          for (const call of answer.tool_calls) messages.push(await reader.invoke({ ...call, type: "tool_call" }));
        }
        throw new Error(`no answer after ${TURNS} turns`);
      };
    };
  },
});

/** The message of a stream's chunks. @param {AsyncIterable<AIMessageChunk>} chunks */
async function gathered(chunks) {
  /** @type {AIMessageChunk | undefined} */
  let whole;
  for await (const chunk of chunks) whole = whole ? whole.concat(chunk) : chunk;
  if (!whole) throw new Error("a stream without chunks");
  return whole;
}

/** @type {((streams: boolean) => Library)[]} */
const EACH = [
  openaiChat,
  openaiResponses,
  anthropicMessages,
  (streams) =>
    aiSdk("@ai-sdk/openai-compatible", "chat completions", ["openai", "anthropic"], streams, (origin, apiKey) =>
      createOpenAICompatible({ name: "pointsman", baseURL: `${origin}/v1`, apiKey }).chatModel("auto"),
    ),
  (streams) =>
    aiSdk("@ai-sdk/openai", "responses", ["openai"], streams, (origin, apiKey) =>
      createOpenAI({ baseURL: `${origin}/v1`, apiKey }).responses("auto"),
    ),
  (streams) =>
    aiSdk("@ai-sdk/anthropic", "messages", ["anthropic", "openai"], streams, (origin, apiKey) =>
      createAnthropic({ baseURL: `${origin}/v1`, apiKey })("auto"),
    ),
  (streams) =>
    langchain(
      "@langchain/openai",
      "chat completions",
      streams,
      (origin, apiKey) =>
        new ChatOpenAI({ model: "auto", apiKey, maxRetries: 0, configuration: { baseURL: `${origin}/v1` } }),
    ),
  (streams) =>
    langchain(
      "@langchain/anthropic",
      "messages",
      streams,
      (origin, apiKey) =>
        new ChatAnthropic({ model: "auto", apiKey, maxRetries: 0, anthropicApiUrl: origin, maxTokens: LIMIT }),
    ),
];

export const LIBRARIES = EACH.flatMap((make) => [make(false), make(true)]);
