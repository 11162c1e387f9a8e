// Stands in for an LLM provider: answers OpenAI's chat completions without a language model. The answer
// states this and the requested model's name.

/** @import { IncomingMessage, ServerResponse } from "node:http" */

import { createServer } from "node:http";

import { listening } from "../../../web/serve.mjs";

/** @returns {Promise<{url: URL, close: () => Promise<void>}>} the API's root */
export async function startUpstream({ port = 0 } = {}) {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  const { url, close } = await listening(server, port);
  return { url: new URL("v1", url), close };
}

/** @param {IncomingMessage} request @param {ServerResponse} response */
async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  if (request.method !== "POST" || request.url !== "/v1/chat/completions") {
    return fail(response, 404, `no endpoint ${request.method} ${request.url}`);
  }
  let body;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    return fail(response, 400, error instanceof Error ? error.message : String(error));
  }
  const text = `Stand-in upstream, not a language model: "${body.model}" got ${body.messages?.length ?? 0} message(s).`;
  return body.stream ? stream(response, body.model, text) : whole(response, body.model, text);
}

/** @param {ServerResponse} response @param {string} model @param {string} text */
function whole(response, model, text) {
  const completion = {
    ...common(model, "chat.completion"),
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
    usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
  };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(completion));
}

/** @param {ServerResponse} response @param {string} model @param {string} text */
function stream(response, model, text) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  const send = (/** @type {object} */ delta, /** @type {string | null} */ finish_reason) => {
    const chunk = {
      ...common(model, "chat.completion.chunk"),
      choices: [{ index: 0, delta, finish_reason }],
    };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  send({ role: "assistant", content: "" }, null);
  for (const word of text.split(/(?<= )/)) send({ content: word }, null);
  send({}, "stop");
  response.end("data: [DONE]\n\n");
}

/** @param {string} model @param {string} object its type in the API */
function common(model, object) {
  return { id: "chatcmpl-stand-in", object, created: Math.floor(Date.now() / 1000), model };
}

/** @param {ServerResponse} response @param {number} status @param {string} message */
function fail(response, status, message) {
  const error = { message, type: "invalid_request_error", param: null, code: "stand_in" };
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ error }));
}
