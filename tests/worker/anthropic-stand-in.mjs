// Stands in for Anthropic's messages API, with streams.

/** @import { Answer } from "./stand-ins.mjs" */

import { event } from "./openai-stand-in.mjs";

const USAGE = { input_tokens: 100, output_tokens: 50 };

/**
 * @typedef {{type: "text", text: string, citations: null}
 *   | {type: "thinking", thinking: string, signature: string}
 *   | {type: "tool_use", id: string, name: string, input: object}} Block
 */

/**
 * @param {object} options
 * @param {string} [options.text] the answer's text
 * @param {{id: string, name: string, input: object}[]} [options.tools] tool calls
 * @param {{thinking: string, signature: string}} [options.thinking] a block of thinking in front
 * @param {string} [options.stop] the stop_reason
 * @returns {Answer}
 */
export function anthropic({ text = "Hello from the stand-in.", tools, thinking, stop } = {}) {
  /** @type {Block[]} */
  const content = tools
    ? tools.map(({ id, name, input }) => ({ type: "tool_use", id, name, input }))
    : [{ type: "text", text, citations: null }];
  if (thinking) content.unshift({ type: "thinking", ...thinking });
  const reason = stop ?? (tools ? "tool_use" : "end_turn");
  return (request, response, body) => {
    const asked = JSON.parse(body);
    const missing = ["model", "max_tokens", "messages"].filter((field) => asked[field] === undefined);
    if (!request.url.endsWith("/messages") || missing.length > 0 || !request.headers["anthropic-version"]) {
      response.writeHead(400, { "content-type": "application/json" });
      const message = `${request.url} lacks ${missing.join(", ") || "anthropic-version"}`;
      return response.end(JSON.stringify({ type: "error", error: { type: "invalid_request_error", message } }));
    }
    if (asked.stream) {
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      return response.end(stream(asked, content, reason));
    }
    response.writeHead(200, { "content-type": "application/json" });
    return response.end(JSON.stringify(message(asked.model, content, reason, USAGE)));
  };
}

/**
 * An error in Anthropic's shape.
 * @type {(code: number, type: string, text: string) => Answer}
 */
export const anthropicError = (code, type, text) => (_, response) => {
  response.writeHead(code, { "content-type": "application/json" });
  response.end(JSON.stringify({ type: "error", error: { type, message: text } }));
};

/** @param {string} model @param {Block[]} content @param {string | null} reason @param {typeof USAGE} usage */
function message(model, content, reason, usage) {
  return {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model,
    content,
    stop_reason: reason,
    stop_sequence: null,
    usage,
  };
}

/** @param {{model: string}} asked @param {Block[]} content @param {string} reason */
function stream({ model }, content, reason) {
  const start = message(model, [], null, { ...USAGE, output_tokens: 1 });
  const blocks = content.flatMap((block, index) => [
    { type: "content_block_start", index, content_block: begun(block) },
    ...deltas(block).map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ]);
  const end = {
    type: "message_delta",
    delta: { stop_reason: reason, stop_sequence: null },
    usage: { output_tokens: USAGE.output_tokens },
  };
  return [{ type: "message_start", message: start }, { type: "ping" }, ...blocks, end, { type: "message_stop" }]
    .map((one) => event(one, one.type))
    .join("");
}

/** @param {Block} block */
function begun(block) {
  if (block.type === "text") return { ...block, text: "" };
  return block.type === "thinking" ? { ...block, thinking: "", signature: "" } : { ...block, input: {} };
}

/** @param {Block} block */
function deltas(block) {
  const cut = (/** @type {string} */ text) => text.split(/(?<= )/);
  if (block.type === "text") return cut(block.text).map((text) => ({ type: "text_delta", text }));
  if (block.type === "thinking") {
    const thoughts = cut(block.thinking).map((thinking) => ({ type: "thinking_delta", thinking }));
    return [...thoughts, { type: "signature_delta", signature: block.signature }];
  }
  // Split into pieces that are not valid JSON by themselves.
  const json = JSON.stringify(block.input);
  return ["", json.slice(0, 5), json.slice(5)].map((partial) => ({ type: "input_json_delta", partial_json: partial }));
}
