// A stand-in for a provider with OpenAI's and Anthropic's API. It refuses what they refuse, and its model does
// what the user's last message orders, so that a program's whole task can be told beforehand:
//
// | order | the model |
// | --- | --- |
// | `SAY word` | answers with the word |
// | `READ path` | calls the program's tool that reads the file, then tells the secret word of the result |
// | `RECALL` | tells again the word that it told before |

/** @import { ServerResponse } from "node:http" */
/** @import { Answer } from "../worker/stand-ins.mjs" */
/** @import { Order } from "./orders.mjs" */

import { anthropic, anthropicError } from "../worker/anthropic-stand-in.mjs";
import { openai } from "../worker/openai-stand-in.mjs";
import { breaking, status, upstream } from "../worker/stand-ins.mjs";
import { anthropicFault } from "./anthropic-rules.mjs";
import { chatFault, responseFault } from "./openai-rules.mjs";
import { reply, turnOfChat, turnOfMessages, turnOfResponse } from "./orders.mjs";
import { signatureOf } from "./signature.mjs";

const THOUGHT = "The user gave an order; I follow it.";

/** A block of thinking; with `display: "omitted"` its text is kept back, and the signature holds. */
function thoughtFor(/** @type {string} */ model, /** @type {{display?: string}} */ { display }) {
  const thinking = display === "omitted" ? "" : THOUGHT;
  return { thinking, signature: signatureOf(model, thinking) };
}

/**
 * By the end of the path: the rules, the reading of the conversation, the answer, and the shape of an error.
 * @type {Record<string, {fault: (body: any, headers: any) => string | undefined, turn: (body: any) => Order,
 *   answer: (replied: ReturnType<typeof reply>, body: any) => Answer, error: (code: number, words: string) => Answer}>}
 */
const APIS = {
  "/chat/completions": { fault: chatFault, turn: turnOfChat, answer: openaiAnswer, error: openaiError },
  "/responses": { fault: responseFault, turn: turnOfResponse, answer: openaiAnswer, error: openaiError },
  "/messages": {
    fault: anthropicFault,
    turn: turnOfMessages,
    answer: ({ text, call }, { model, thinking }) =>
      anthropic({
        text,
        tools: call && [call],
        thinking: thinking && thinking.type !== "disabled" ? thoughtFor(model, thinking) : undefined,
      }),
    error: (code, words) => anthropicError(code, code === 400 ? "invalid_request_error" : "overloaded_error", words),
  },
};

/**
 * So many calls answered with an error of this status and these words, or, without a status, broken off in the middle.
 * @typedef {{times: number, code?: number, words?: string}} Failing
 */
/** @type {Failing} */
export const NEVER = { times: 0 };

/**
 * Starts the stand-in. `faults` are the words with which it refused requests; `forget(failing)` clears the record, and
 * from then on it fails so many requests that declare tools.
 */
export async function provider() {
  /** @type {string[]} */
  const faults = [];
  let failing = NEVER;
  const there = await upstream((request, response, body, number) => {
    const path = request.url.replace(/^\/v1/, "").replace(/\?.*/, "");
    const api = APIS[path];
    const asked = body ? JSON.parse(body) : {};
    const fault = api ? api.fault(asked, request.headers) : `no such path: ${request.method} ${path}`;
    if (fault) {
      faults.push(`${path}: ${fault}`);
      return (api?.error ?? openaiError)(api ? 400 : 404, fault)(request, response, body, number);
    }
    const turn = api.turn(asked);
    if (failing.times > 0 && turn.tools.length > 0) {
      failing = { ...failing, times: failing.times - 1 };
      const { code, words = "" } = failing;
      const answer = code ? api.error(code, words) : half(api.answer(reply(turn, number), asked));
      return answer(request, response, body, number);
    }
    return api.answer(reply(turn, number), asked)(request, response, body, number);
  });
  return {
    ...there,
    faults,
    forget: (next = NEVER) => {
      there.requests.length = 0;
      faults.length = 0;
      failing = next;
    },
  };
}

/**
 * The first half of an answer, then the end of the connection.
 * @param {Answer} answer
 * @returns {Answer}
 */
function half(answer) {
  return (request, response, body, number) => {
    const whole = { type: "", text: "" };
    const kept = {
      writeHead: (/** @type {number} */ _, /** @type {Record<string, string>} */ headers) => {
        whole.type = headers["content-type"];
      },
      end: (/** @type {string} */ text) => {
        whole.text = text;
      },
    };
    answer(request, /** @type {ServerResponse} */ (/** @type {unknown} */ (kept)), body, number);
    const events = whole.text.split(/(?<=\n\n)/);
    const first =
      events.length > 1 ? events.slice(0, events.length / 2).join("") : whole.text.slice(0, whole.text.length / 2);
    return breaking([first], whole.type)(request, response, body, number);
  };
}

/** @param {ReturnType<typeof reply>} replied */
function openaiAnswer({ text, call }) {
  return openai({ text, tools: call && [{ ...call, arguments: JSON.stringify(call.input) }] });
}

/** @param {number} code @param {string} words */
function openaiError(code, words) {
  const error = { message: words, type: "invalid_request_error", param: null, code: null };
  return status(code, {}, JSON.stringify({ error }));
}
