// Stands in for OpenAI's API: chat completions, responses, completions and embeddings, with streams.

/** @import { IncomingMessage, ServerResponse } from "node:http" */

/**
 * @typedef {IncomingMessage & {url: string}} Received
 * @typedef {(request: Received, response: ServerResponse, body: string, number: number) => unknown} Answer of a stand-in;
 *   `number` counts its calls from 0
 */

/**
 * @typedef {{prompt_tokens: number, completion_tokens: number, total_tokens: number,
 *   prompt_tokens_details?: {cached_tokens: number}}} Usage
 * @typedef {{id: string, name: string, arguments: string}} ToolCall
 * @typedef {{text: string, tools?: ToolCall[], usage: Usage | null, logprob?: number, finish: string}} Content of an answer
 * @typedef {{model: string, stream?: boolean, messages?: object[], stream_options?: {include_usage?: boolean},
 *   input?: unknown, encoding_format?: string}} Asked the fields of a request that matter here
 */

export const USAGE = { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 };

/**
 * @param {object} options
 * @param {string} [options.text] the answer's text
 * @param {ToolCall[]} [options.tools]
 * @param {string} [options.finish] the finish_reason
 * @param {Usage | null} [options.usage] the usage; null for none
 * @param {number} [options.logprob] the log probability of every token
 * @returns {Answer}
 */
export function openai({ text = "Hello from the stand-in.", tools, finish, usage = USAGE, logprob } = {}) {
  const answer = { text, tools, usage, logprob, finish: finish ?? (tools ? "tool_calls" : "stop") };
  return (request, response, body) => {
    const asked = JSON.parse(body);
    const [make, stream] = ENDPOINTS[request.url.split("/").at(-1) ?? ""] ?? [];
    if (!make) {
      response.writeHead(404, { "content-type": "application/json" });
      return response.end(JSON.stringify({ error: { message: `no ${request.url}`, type: "x", code: "x" } }));
    }
    if (asked.stream && stream) {
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      return response.end(stream(asked, answer));
    }
    response.writeHead(200, { "content-type": "application/json" });
    return response.end(JSON.stringify(make(asked, answer)));
  };
}

/**
 * An event of a stream.
 * @type {(data: unknown, name?: string) => string}
 */
export const event = (data, name) =>
  `${name ? `event: ${name}\n` : ""}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;

/**
 * One chunk of a chat completion's stream.
 * @type {(delta: object, more?: object) => string}
 */
export const chunk = (delta, more = {}) =>
  event({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1,
    model: "stand-in",
    choices: [{ index: 0, delta, finish_reason: null, ...more }],
  });

const usageIf = (/** @type {Usage | null} */ usage) => (usage ? { usage } : {});

/** @param {Asked} asked @param {Content} content */
function completion({ model }, { text, tools, finish, usage, logprob }) {
  const calls = tools?.map(({ id, name, arguments: args }) => ({
    id,
    type: "function",
    function: { name, arguments: args },
  }));
  const message = { role: "assistant", content: tools ? null : text, ...(calls ? { tool_calls: calls } : {}) };
  const logprobs =
    logprob === undefined
      ? {}
      : { logprobs: { content: words(text).map((token) => ({ token, logprob, top_logprobs: [] })) } };
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model,
    choices: [{ index: 0, message, finish_reason: finish, ...logprobs }],
    ...usageIf(usage),
  };
}

/** @param {Asked} asked @param {Content} content */
function completionStream({ stream_options: options }, { text, tools, finish, usage }) {
  const deltas = tools
    ? tools.flatMap(({ id, name, arguments: args }, index) => [
        { tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] },
        // The arguments are sent in pieces.
        ...words(args).map((piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] })),
      ])
    : words(text).map((content) => ({ content }));
  const last =
    options?.include_usage && usage
      ? event({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "stand-in", choices: [], usage })
      : "";
  return [
    chunk({ role: "assistant", content: tools ? null : "" }),
    ...deltas.map((delta) => chunk(delta)),
    chunk({}, { finish_reason: finish }),
    last,
    event("[DONE]"),
  ].join("");
}

/** @param {Asked} asked @param {Content} content */
function textCompletion({ model }, { text, usage }) {
  return {
    id: "cmpl-1",
    object: "text_completion",
    created: 1,
    model,
    choices: [{ index: 0, text, finish_reason: "stop", logprobs: null }],
    ...usageIf(usage),
  };
}

/** @param {Asked} _ @param {Content} content */
function textCompletionStream(_, { text }) {
  const one = (/** @type {string} */ piece) =>
    event({
      id: "cmpl-1",
      object: "text_completion",
      created: 1,
      model: "stand-in",
      choices: [{ index: 0, text: piece, finish_reason: null }],
    });
  return [...words(text).map(one), event("[DONE]")].join("");
}

/** The items of a response's output. @param {Content} content @param {string} state */
const outputOf = ({ text, tools }, state) =>
  tools
    ? tools.map(({ id, name, arguments: args }) => ({
        type: "function_call",
        id: `fc_${id}`,
        call_id: id,
        name,
        arguments: args,
        status: state,
      }))
    : [
        {
          type: "message",
          id: "msg_1",
          status: state,
          role: "assistant",
          content: [{ type: "output_text", text, annotations: [] }],
        },
      ];

/** @param {Asked} asked @param {Content} content */
function responseObject({ model }, content, state = "completed") {
  const { usage } = content;
  return {
    id: "resp_1",
    object: "response",
    created_at: 1,
    status: state,
    model,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: "auto",
    tools: [],
    top_p: 1,
    output: state === "in_progress" ? [] : outputOf(content, state),
    ...(usage
      ? {
          usage: {
            input_tokens: usage.prompt_tokens,
            input_tokens_details: { cached_tokens: usage.prompt_tokens_details?.cached_tokens ?? 0 },
            output_tokens: usage.completion_tokens,
            output_tokens_details: { reasoning_tokens: 0 },
            total_tokens: usage.total_tokens,
          },
        }
      : {}),
  };
}

/** @param {Asked} asked @param {Content} answer */
function responseStream(asked, answer) {
  const begun = responseObject(asked, { ...answer, usage: null }, "in_progress");
  const events = [
    { type: "response.created", response: begun },
    { type: "response.in_progress", response: begun },
    ...outputOf(answer, "completed").flatMap(itemEvents),
    { type: "response.completed", response: responseObject(asked, answer) },
  ];
  return events.map((one, number) => event({ ...one, sequence_number: number }, one.type)).join("");
}

/** @param {ReturnType<typeof outputOf>[number]} item @param {number} index */
function itemEvents(item, index) {
  const place = { item_id: item.id, output_index: index };
  const empty = { ...item, status: "in_progress", ...("content" in item ? { content: [] } : { arguments: "" }) };
  return [
    { type: "response.output_item.added", output_index: index, item: empty },
    ...("content" in item
      ? textEvents({ ...place, content_index: 0 }, item.content[0])
      : [
          ...words(item.arguments).map((delta) => ({
            type: "response.function_call_arguments.delta",
            ...place,
            delta,
          })),
          { type: "response.function_call_arguments.done", ...place, arguments: item.arguments },
        ]),
    { type: "response.output_item.done", output_index: index, item },
  ];
}

/** @param {object} place @param {{type: string, text: string, annotations: unknown[]}} part */
const textEvents = (place, part) => [
  { type: "response.content_part.added", ...place, part: { ...part, text: "" } },
  ...words(part.text).map((delta) => ({ type: "response.output_text.delta", ...place, delta, logprobs: [] })),
  { type: "response.output_text.done", ...place, text: part.text, logprobs: [] },
  { type: "response.content_part.done", ...place, part },
];

/** @param {Asked} asked */
function embeddings({ model, input, encoding_format: format }) {
  const vector = [0.25, -0.5, 0.125];
  const packed = () => Buffer.from(Float32Array.from(vector).buffer).toString("base64");
  const data = [input]
    .flat()
    .map((_, index) => ({ object: "embedding", index, embedding: format === "base64" ? packed() : vector }));
  return { object: "list", model, data, usage: { prompt_tokens: 100, total_tokens: 100 } };
}

const words = (/** @type {string} */ text) => text.split(/(?<= )/);

/**
 * By the end of the path: makes a whole answer, and the text of a streamed one.
 * @type {Record<string, [make: (asked: Asked, content: Content) => object, stream?: (asked: Asked, content: Content) => string]>}
 */
const ENDPOINTS = {
  completions: [
    (asked, answer) => (asked.messages ? completion : textCompletion)(asked, answer),
    (asked, answer) => (asked.messages ? completionStream : textCompletionStream)(asked, answer),
  ],
  responses: [responseObject, responseStream],
  embeddings: [embeddings],
};
