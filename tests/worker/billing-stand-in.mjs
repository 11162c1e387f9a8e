// An upstream that bills as OpenAI and Anthropic do, for budget-law.test.mjs: the words of the prompt and
// the words of the answer, which are at most the tokens that the request allows. It misbehaves at random.

/** @import { ServerResponse } from "node:http" */
/** @import { Answer, Received } from "./openai-stand-in.mjs" */

import { event } from "./openai-stand-in.mjs";
import { seeded } from "./soak.mjs";

/**
 * A call as the upstream bills it: an error of kind `free` costs nothing, any other call its input and what
 * it delivered of the output.
 * @typedef {{tag: number, model: string, kind: "free" | "billed", input: number, output: number,
 *   limit: number | undefined, behaviour: string}} Call
 */

/** Milliseconds before a whole answer and between two chunks of a stream. */
const PAUSE = 5;
/** Words in a chunk of a stream. */
const CHUNK = 25;
/** How often each behaviour occurs in 100 calls. */
const BEHAVIOURS = { good: 70, error500: 6, error503: 6, error422: 4, breaks: 8, silence: 6 };

const wait = (/** @type {number} */ ms) => new Promise((next) => setTimeout(next, ms));
const words = (/** @type {number} */ count) => "word ".repeat(count);

/**
 * @param {number} seed
 * @returns {{answer: Answer, calls: Call[]}}
 */
export function billing(seed) {
  const random = seeded(seed);
  /** @type {Call[]} */
  const calls = [];
  /** @type {Answer} */
  const answer = async (request, response, text) => {
    const asked = JSON.parse(text);
    const fields = [asked.max_completion_tokens, asked.max_tokens, asked.max_output_tokens];
    const limits = fields.filter((field) => field !== undefined);
    const limit = limits.length > 0 ? Math.min(...limits) : undefined;
    // A model that nothing holds back writes a long answer.
    const drawn = random() < 0.6 ? 10 + Math.floor(random() * 100) : 20_000;
    const each = Math.min(drawn, limit ?? Infinity);
    const prompts = Array.isArray(asked.prompt) ? asked.prompt.length : 1;
    const answers = prompts * (asked.n ?? 1);
    const usage = random() < 0.8;
    // Of the best of several answers the client gets a part, and pays all: only the usage tells.
    const written = usage ? prompts * Math.max(asked.n ?? 1, asked.best_of ?? 1) : answers;
    /** @type {Call} */
    const call = {
      tag: Number(/request-(\d+)/.exec(text)?.[1]),
      model: asked.model,
      kind: "billed",
      input: text.match(/\bask\b/g)?.length ?? 0,
      output: each * written,
      limit,
      behaviour: pick(random() * 100),
    };
    calls.push(call);
    await respond(call, { request, response, asked, each, answers, usage });
  };
  return { answer, calls };
}

/** @param {number} at in [0, 100) */
function pick(at) {
  let left = at;
  for (const [name, weight] of Object.entries(BEHAVIOURS)) {
    left -= weight;
    if (left < 0) return name;
  }
  return "good";
}

/**
 * @typedef {{request: Received, response: ServerResponse, asked: any, each: number, answers: number,
 *   usage: boolean}} Given `each` is the words of each of the answers
 * @param {Call} call
 * @param {Given} given
 */
async function respond(call, { request, response, asked, each, answers, usage }) {
  const status = { error500: 500, error503: 503, error422: 422 }[call.behaviour];
  if (status) {
    if (status !== 500) call.kind = "free";
    response.writeHead(status, { "content-type": "application/json" });
    response.end('{"error": {"message": "says the stand-in", "type": "stand_in", "code": null}}');
    return;
  }
  if (call.behaviour === "silence") return;
  const api = APIS[request.url.split("/").at(-2) === "chat" ? "chat" : (request.url.split("/").at(-1) ?? "")];
  const told = { input: call.input, output: call.output, usage };
  if (!asked.stream) {
    await wait(PAUSE);
    if (call.behaviour === "breaks") return request.socket.destroy();
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(api.whole(asked, { each, answers }, told)));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(api.begin(asked, told));
  const most = call.behaviour === "breaks" ? Math.floor(each / 2) : each;
  for (let sent = 0; sent < most; sent += CHUNK) {
    if (response.destroyed) return;
    for (let index = 0; index < answers; index += 1) {
      response.write(api.piece(words(Math.min(CHUNK, most - sent)), index));
    }
    await wait(PAUSE);
  }
  if (response.destroyed) return;
  if (call.behaviour === "breaks") return request.socket.destroy();
  response.end(api.end(asked, told));
}

/**
 * @typedef {{input: number, output: number, usage: boolean}} Told the usage, and whether it is told
 * @typedef {{each: number, answers: number}} Size the words of each answer, and their number
 */

const chat = {
  /** @param {any} asked @param {Size} size @param {Told} told */
  whole: (asked, { each, answers }, told) => ({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: asked.model,
    choices: Array.from({ length: answers }, (_, index) => ({
      index,
      message: { role: "assistant", content: words(each) },
      finish_reason: "stop",
    })),
    ...(told.usage ? { usage: chat.usage(told) } : {}),
  }),
  /** @param {Told} told */
  usage: ({ input, output }) => ({
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
  }),
  /** @param {object} choice */
  chunk: (choice) =>
    event({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "stand-in", choices: [choice] }),
  begin: () => chat.chunk({ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }),
  /** @param {string} content @param {number} index */
  piece: (content, index) => chat.chunk({ index, delta: { content }, finish_reason: null }),
  /** @param {any} asked @param {Told} told */
  end: (asked, told) => {
    const last = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "stand-in", choices: [] };
    const usage = told.usage && asked.stream_options?.include_usage;
    return [
      chat.chunk({ index: 0, delta: {}, finish_reason: "stop" }),
      usage ? event({ ...last, usage: chat.usage(told) }) : "",
      event("[DONE]"),
    ].join("");
  },
};

const messages = {
  /** @param {any} asked @param {Size} size @param {Told} told */
  whole: (asked, { each }, told) => ({
    ...messages.message(asked, told),
    content: [{ type: "text", text: words(each), citations: null }],
    stop_reason: "end_turn",
    ...(told.usage ? { usage: { input_tokens: told.input, output_tokens: told.output } } : { usage: undefined }),
  }),
  /** @param {any} asked @param {Told} told */
  message: ({ model }, { input }) => ({
    id: "msg_1",
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: input, output_tokens: 1 },
  }),
  /** @param {any} asked @param {Told} told */
  begin: (asked, told) =>
    [
      { type: "message_start", message: messages.message(asked, told) },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    ]
      .map((one) => event(one, one.type))
      .join(""),
  /** @param {string} text */
  piece: (text) => {
    const one = { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } };
    return event(one, one.type);
  },
  /** @param {any} _ @param {Told} told */
  end: (_, told) =>
    [
      { type: "content_block_stop", index: 0 },
      {
        type: "message_delta",
        delta: { stop_reason: "end_turn", stop_sequence: null },
        ...(told.usage ? { usage: { output_tokens: told.output } } : {}),
      },
      { type: "message_stop" },
    ]
      .map((one) => event(one, one.type))
      .join(""),
};

const completions = {
  /** @param {string} text @param {number} index */
  choice: (text, index, finish = "stop") => ({ index, text, finish_reason: finish, logprobs: null }),
  /** @param {any} asked @param {Size} size @param {Told} told */
  whole: (asked, { each, answers }, told) => ({
    id: "cmpl-1",
    object: "text_completion",
    created: 1,
    model: asked.model,
    choices: Array.from({ length: answers }, (_, index) => completions.choice(words(each), index)),
    ...(told.usage ? { usage: chat.usage(told) } : {}),
  }),
  /** @param {object[]} choices */
  chunk: (choices, more = {}) =>
    event({ id: "cmpl-1", object: "text_completion", created: 1, model: "stand-in", choices, ...more }),
  begin: () => "",
  /** @param {string} text @param {number} index */
  piece: (text, index) => completions.chunk([{ ...completions.choice(text, index), finish_reason: null }]),
  /** @param {any} asked @param {Told} told */
  end: (asked, told) =>
    [
      completions.chunk([completions.choice("", 0)]),
      told.usage && asked.stream_options?.include_usage ? completions.chunk([], { usage: chat.usage(told) }) : "",
      event("[DONE]"),
    ].join(""),
};

const responses = {
  /** @param {any} asked @param {Size} size @param {Told | undefined} told */
  whole: ({ model }, { each }, told) => ({
    id: "resp_1",
    object: "response",
    created_at: 1,
    status: told ? "completed" : "in_progress",
    model,
    error: null,
    output: told
      ? [{ type: "message", id: "msg_1", role: "assistant", content: [{ type: "output_text", text: words(each) }] }]
      : [],
    usage: told?.usage
      ? { input_tokens: told.input, output_tokens: told.output, total_tokens: told.input + told.output }
      : null,
  }),
  /** @param {string} type @param {object} fields */
  event: (type, fields) => event({ type, ...fields }, type),
  /** @param {any} asked */
  begin: (asked) =>
    responses.event("response.created", { response: responses.whole(asked, { each: 0, answers: 1 }, undefined) }),
  /** @param {string} delta */
  piece: (delta) =>
    responses.event("response.output_text.delta", { item_id: "msg_1", output_index: 0, content_index: 0, delta }),
  /** @param {any} asked @param {Told} told */
  end: (asked, told) =>
    responses.event("response.completed", { response: responses.whole(asked, { each: 0, answers: 1 }, told) }),
};

/**
 * The answers and streams of each API, by the end of the path.
 * @type {Record<string, {whole: (asked: any, size: Size, told: Told) => object, begin: (asked: any, told: Told) => string,
 *   piece: (text: string, index: number) => string, end: (asked: any, told: Told) => string}>}
 */
const APIS = { chat, completions, messages, responses };
