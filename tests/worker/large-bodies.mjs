// The largest request bodies, by shape: some honest, some made to cost an isolate as much as they can.

import { gzipSync } from "node:zlib";

/**
 * @typedef {{path: string, model: string, body: (model: string) => string, gzip?: boolean}} LargeBody
 */

const BYTES = 15.5 * 2 ** 20;
/** @param {string} unit */
const filled = (unit) => unit.repeat(Math.floor(BYTES / Buffer.byteLength(unit)));

/** @param {string} model @param {string} content JSON */
const chat = (model, content) =>
  `{"model":"${model}","max_tokens":9,"messages":[{"role":"user","content":${content}}]}`;
/** @param {string} model @param {string} more JSON */
const beside = (model, more) =>
  `{"model":"${model}","max_tokens":9,"messages":[{"role":"user","content":"Hi"}],${more}}`;
/** @param {(model: string) => string} body @param {string} model @param {string} path @returns {LargeBody} */
const large = (body, model = "plain", path = "v1/chat/completions") => ({ path, model, body });
const image = (/** @type {string} */ model) =>
  chat(
    model,
    `[{"type":"text","text":"Hi"},{"type":"image_url","image_url":{"url":"data:image/png;base64,${filled("A")}"}}]`,
  );
const anthropicImage = (/** @type {string} */ model) =>
  chat(
    model,
    `[{"type":"text","text":"Hi"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"${filled("A")}"}}]`,
  );
const text = (/** @type {string} */ unit) => (/** @type {string} */ model) => chat(model, `"${filled(unit)}"`);

/** What is copied at most in a translation, of this unit. @param {string} unit */
const copied = (unit) => unit.repeat(Math.floor((4 * 2 ** 20 - 4096) / Buffer.byteLength(unit)));
/** A message with an image that fills the body, `fields` in front of it, and a call. @type {(model: string, fields: string, call: string) => string} */
const besideImage = (model, fields, call) => {
  const turns = (/** @type {string} */ data) =>
    `{"model":"${model}","max_tokens":9,${fields}"messages":[{"role":"user","content":[{"type":"text","text":"Hi"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"${data}"}}]}${call && `,{"role":"assistant","content":[${call}]}`}]}`;
  return turns("A".repeat(BYTES - turns("").length));
};

/** @type {Record<string, LargeBody>} */
export const LARGE_BODIES = {
  "an image": large(image),
  "an image, translated for Anthropic's API": large(image, "claude"),
  "an image on /v1/messages": large(anthropicImage, "claude", "v1/messages"),
  "an image on /v1/messages, translated for OpenAI's API": large(anthropicImage, "plain", "v1/messages"),
  "a text": large(text("word ")),
  "a text, routed": large(text("word "), "auto"),
  "a text with escapes": large(text("line\\n")),
  "a text with escapes, translated": large(text("line\\n"), "claude"),
  "a text, in gzip": { ...large(text("word ")), gzip: true },
  "a text of 300 MiB, in gzip": { ...large((model) => chat(model, `"${"word ".repeat(60 * 2 ** 20)}"`)), gzip: true },
  "Korean text, routed": large(text("한국어 "), "auto"),
  "punctuation, routed": large(text("!?."), "auto"),
  "one word, routed": large(text("x"), "auto"),
  "a list of numbers": large((model) => beside(model, `"x":[${filled("1,")}1]`)),
  "a list of objects": large((model) => beside(model, `"x":[${filled('{"":0},')}1]`)),
  "a list of lists": large((model) => beside(model, `"x":[${filled("[],")}1]`)),
  "many fields": large((model) => beside(model, Array.from({ length: 1e6 }, (_, at) => `"f${at}":0`).join())),
  "empty parts": large((model) => chat(model, `[${filled("{},")}{"text":"x"}]`)),
  "empty messages": large((model) => `{"model":"${model}","messages":[${filled("{},")}{"role":"user","content":"x"}]}`),
  "empty tools": large((model) => beside(model, `"tools":[${filled("{},")}{}]`)),
  "a tool of many schemas": large((model) =>
    beside(model, `"tools":[{"type":"function","function":{"name":"f","parameters":{"x":[${filled("{},")}{}]}}}]`),
  ),
  "a call's arguments, translated": large(
    (model) =>
      `{"model":"${model}","messages":[{"role":"user","content":"Hi"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\\"x\\":[${filled("{},")}{}]}"}}]},{"role":"tool","tool_call_id":"c","content":"7"}]}`,
    "claude",
  ),
  "a call's input and an image, translated": large(
    (model) => besideImage(model, "", `{"type":"tool_use","id":"c","name":"f","input":{"x":"${copied('\\\\\\"')}"}}`),
    "plain",
    "v1/messages",
  ),
  "a long schema and an image, translated": large(
    (model) => {
      const schema = `{"type":"object","properties":{"x":{"type":"string","description":"${copied("line\\n")}"}}}`;
      return besideImage(model, `"tools":[{"name":"f","strict":true,"input_schema":${schema}}],`, "");
    },
    "plain",
    "v1/messages",
  ),
  "token ids of embeddings": large(
    (model) => `{"model":"${model}","input":[${filled("1,")}1]}`,
    "plain",
    "v1/embeddings",
  ),
  "prompts of embeddings": large(
    (model) => `{"model":"${model}","input":[${filled('"a",')}"a"]}`,
    "plain",
    "v1/embeddings",
  ),
  "items of a response": large(
    (model) => `{"model":"${model}","input":[${filled("{},")}{"role":"user","content":"x"}]}`,
    "plain",
    "v1/responses",
  ),
  "a batch to route": large((model) => `{"batch":[${filled('{"query":"x"},')}{"query":"${model}"}]}`, "x", "v1/route"),
  "a query to route": large((model) => `{"query":"${filled("한")}${model}"}`, "x", "v1/route"),
  feedback: large((model) => `{"feedback_id":"${filled("x")}${model}","score":1}`, "x", "v1/feedback"),
};

/**
 * The body as it is sent, its headers, and its length before it is compressed.
 * @param {LargeBody} large
 */
export function sent({ model, body, gzip }) {
  const text = body(model);
  const bytes = Buffer.byteLength(text);
  return gzip
    ? { bytes, body: gzipSync(text), headers: { "content-encoding": "gzip" } }
    : { bytes, body: text, headers: {} };
}
