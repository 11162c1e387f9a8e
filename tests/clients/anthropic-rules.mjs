// What Anthropic's API refuses of a request to POST /v1/messages: `anthropicFault` gives the words of the
// first fault, or undefined. Signatures are those that the stand-in gave, for the model that it gave them to.

/** @import { IncomingHttpHeaders } from "node:http" */

import { signatureOf } from "./signature.mjs";

/** @typedef {Record<string, any>} Fields */

const TOP = [
  ...["model", "messages", "max_tokens", "system", "metadata", "stop_sequences", "stream", "temperature"],
  ...["thinking", "tool_choice", "tools", "top_k", "top_p", "service_tier", "cache_control", "output_config"],
];
/** Fields that only a beta has, with the beginning of its name. */
const OF_BETAS = new Map([
  ["context_management", "context-management-"],
  ["mcp_servers", "mcp-client-"],
  ["container", "code-execution-"],
  ["speed", "fast-mode-"],
]);
/** Fields of a message by its role, and what a beta adds to those of the system. @type {Record<string, string[]>} */
const MESSAGE = { user: ["role", "content"], assistant: ["role", "content"], system: ["role", "content"] };
const OF_SYSTEM_BETAS = new Map([
  ["output_config", "effort-"],
  ["clear_at", "mid-conversation-"],
]);
/** @type {Record<string, string[]>} */
const BLOCKS = {
  text: ["text", "citations", "cache_control"],
  image: ["source", "cache_control"],
  document: ["source", "title", "context", "citations", "cache_control"],
  tool_use: ["id", "name", "input", "cache_control", "caller"],
  tool_result: ["tool_use_id", "content", "is_error", "cache_control"],
  thinking: ["thinking", "signature"],
  redacted_thinking: ["data"],
};
const TOOL = [
  ...["type", "name", "description", "input_schema", "cache_control", "strict", "input_examples"],
  ...["defer_loading", "allowed_callers", "eager_input_streaming"],
];

/**
 * @param {Fields} body
 * @param {IncomingHttpHeaders} headers
 * @returns {string | undefined}
 */
export function anthropicFault(body, headers) {
  if (!headers["anthropic-version"]) return "anthropic-version: header is required";
  if (!headers["x-api-key"]) return "x-api-key: header is required";
  const betas = String(headers["anthropic-beta"] ?? "");
  const of = (/** @type {Map<string, string>} */ fields) =>
    [...fields].filter(([, beta]) => betas.includes(beta)).map(([field]) => field);
  return (
    extra("", body, [...TOP, ...of(OF_BETAS)]) ??
    ["model", "messages", "max_tokens"].map((field) => absent(body, field)).find(Boolean) ??
    settingsFault(body) ??
    toolsFault(body) ??
    (typeof body.system === "object" ? blocksFault("system", body.system, ["text"], body.model) : undefined) ??
    messagesFault(body, { ...MESSAGE, system: [...MESSAGE.system, ...of(OF_SYSTEM_BETAS)] }) ??
    cachingFault(body)
  );
}

const absent = (/** @type {Fields} */ body, /** @type {string} */ field) =>
  body[field] === undefined ? `${field}: Field required` : undefined;

/** @param {string} place @param {Fields} value @param {string[]} known */
function extra(place, value, known) {
  const unknown = Object.keys(value).find((field) => !known.includes(field));
  return unknown && `${place && `${place}.`}${unknown}: Extra inputs are not permitted`;
}

/** @param {Fields} body */
function settingsFault({ max_tokens: most, temperature, top_p: topP, thinking, tool_choice: choice, tools, metadata }) {
  if (!Number.isInteger(most) || most < 1) return "max_tokens: Input should be greater than or equal to 1";
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 1)) return "temperature: range: 0..1";
  if (metadata) {
    const fault = extra("metadata", metadata, ["user_id"]);
    if (fault) return fault;
  }
  if (choice && !tools?.length) return "tool_choice: may only be specified while providing `tools`";
  if (choice && !["auto", "any", "tool", "none"].includes(choice.type)) return `tool_choice: unknown ${choice.type}`;
  if (!thinking || thinking.type === "disabled") return undefined;
  if (thinking.type === "enabled") {
    if (!(thinking.budget_tokens >= 1024)) return "thinking.enabled.budget_tokens: should be at least 1024";
    if (thinking.budget_tokens >= most) return "`max_tokens` must be greater than `thinking.budget_tokens`";
  } else if (thinking.type !== "adaptive") return `thinking: unknown type ${thinking.type}`;
  if (temperature !== undefined && temperature !== 1)
    return "`temperature` may only be set to 1 when thinking is enabled";
  if (topP !== undefined && topP < 0.95) return "`top_p` must be at least 0.95 when thinking is enabled";
  if (choice && ["any", "tool"].includes(choice.type))
    return "Thinking may not be enabled when tool_choice forces tool use";
  return undefined;
}

/** @param {Fields} body */
function toolsFault({ tools = [] }) {
  const names = new Set();
  for (const [at, tool] of tools.entries()) {
    const place = `tools.${at}`;
    if (tool.type && tool.type !== "custom") continue;
    const fault = extra(place, tool, TOOL);
    if (fault) return fault;
    if (!/^[a-zA-Z0-9_-]{1,128}$/.test(tool.name))
      return `${place}.name: String should match pattern, found ${tool.name}`;
    if (names.has(tool.name)) return "tools: Tool names must be unique.";
    if (tool.input_schema?.type !== "object") return `${place}.input_schema.type: Field required`;
    names.add(tool.name);
  }
  return undefined;
}

/** @param {Fields} body @param {Record<string, string[]>} fields by role */
function messagesFault({ messages, model, thinking }, fields) {
  if (messages.length === 0) return "messages: at least one message is required";
  if (messages[0].role !== "user") return "messages: first message must use the user role";
  /** Calls of the turn before that have no result yet. @type {string[]} */
  let open = [];
  const ids = new Set();
  const turns = merged(messages);
  for (const [at, message] of turns.entries()) {
    const place = `messages.${at}`;
    if (!fields[message.role]) return `${place}.role: Input should be 'user' or 'assistant', found ${message.role}`;
    const types = message.role === "system" ? ["text"] : Object.keys(BLOCKS);
    const fault =
      extra(place, message, fields[message.role]) ?? blocksFault(`${place}.content`, message.content, types, model);
    if (fault) return fault;
    const results = message.content.filter((/** @type {Fields} */ { type }) => type === "tool_result");
    const calls = message.content.filter((/** @type {Fields} */ { type }) => type === "tool_use");
    for (const { tool_use_id: id } of results) {
      if (!open.includes(id)) return `${place}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}`;
      open = open.filter((other) => other !== id);
    }
    if (open.length > 0) return `${place}: \`tool_use\` ids were found without \`tool_result\` blocks: ${open}`;
    const firstOther = message.content.findIndex((/** @type {Fields} */ { type }) => type !== "tool_result");
    if (firstOther >= 0 && firstOther < results.length) return `${place}: tool_result blocks must come first`;
    for (const { id } of calls) {
      if (ids.has(id)) return `${place}: \`tool_use\` ids must be unique: ${id}`;
      ids.add(id);
      open.push(id);
    }
    if (message.role === "user" && calls.length > 0) return `${place}: tool_use in a user message`;
    if (message.role === "assistant" && results.length > 0) return `${place}: tool_result in an assistant message`;
    const last = at === turns.length - 2 && calls.length > 0;
    if (last && thinking?.type === "enabled" && !/thinking$/.test(message.content[0].type)) {
      return `${place}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${message.content[0].type}\``;
    }
  }
  if (open.length > 0) return `messages: \`tool_use\` ids were found without \`tool_result\` blocks: ${open}`;
  const end = messages[messages.length - 1];
  const text = typeof end.content === "string" ? end.content : end.content.at(-1)?.text;
  if (end.role === "assistant" && /\s$/.test(text ?? ""))
    return "messages: final assistant content ends with whitespace";
  return undefined;
}

/** Messages whose content is a list, neighbours of one role as one. @param {Fields[]} messages */
function merged(messages) {
  /** @type {Fields[]} */
  const list = [];
  for (const message of messages) {
    const content =
      typeof message.content === "string" ? [{ type: "text", text: message.content }] : (message.content ?? []);
    const last = list.at(-1);
    if (last && last.role === message.role) last.content = [...last.content, ...content];
    else list.push({ ...message, content });
  }
  return list;
}

/** @param {string} place @param {Fields[]} blocks @param {string[]} types @param {string} model */
function blocksFault(place, blocks, types, model) {
  if (blocks.length === 0) return `${place}: at least one block is required`;
  for (const [at, { type, ...fields }] of blocks.entries()) {
    const here = `${place}.${at}`;
    if (!types.includes(type)) return `${here}: Input tag '${type}' found does not match any of the expected tags`;
    const fault = extra(`${here}.${type}`, fields, BLOCKS[type]) ?? blockFault(here, { type, ...fields }, model);
    if (fault) return fault;
  }
  return undefined;
}

/** @param {string} place @param {Fields} block @param {string} model @returns {string | undefined} */
function blockFault(place, block, model) {
  if (block.type === "text" && block.text === "") return `${place}: text content blocks must be non-empty`;
  if (block.type === "text" && block.text.trim() === "")
    return `${place}: text content blocks must contain non-whitespace text`;
  if (block.type === "tool_use") {
    if (!/^[a-zA-Z0-9_-]+$/.test(block.id))
      return `${place}.tool_use.id: String should match pattern, found ${block.id}`;
    if (!/^[a-zA-Z0-9_-]{1,200}$/.test(block.name)) return `${place}.tool_use.name: String should match pattern`;
    if (typeof block.input !== "object" || Array.isArray(block.input))
      return `${place}.input: Input should be an object`;
  }
  if (block.type === "tool_result" && Array.isArray(block.content) && block.content.length > 0) {
    return blocksFault(`${place}.content`, block.content, ["text", "image", "document"], model);
  }
  if (block.type === "thinking" && block.signature !== signatureOf(model, block.thinking)) {
    return `${place}: Invalid \`signature\` in \`thinking\` block`;
  }
  if (block.type === "image") {
    const { type, media_type: media } = block.source ?? {};
    if (!["base64", "url", "file"].includes(type)) return `${place}.image.source: unknown type ${type}`;
    if (type === "base64" && !/^image\/(png|jpeg|gif|webp)$/.test(media))
      return `${place}.image.source.media_type: ${media}`;
  }
  return undefined;
}

/** @param {Fields} body */
function cachingFault(body) {
  const found = JSON.stringify(body).split('"cache_control":{').length - 1;
  return found > 4 ? `A maximum of 4 blocks with cache_control may be provided. Found ${found}.` : undefined;
}
