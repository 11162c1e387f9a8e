// What OpenAI's API refuses of a chat completion or a response: `chatFault` and `responseFault` give the
// words of the first fault, or undefined.

/** @typedef {Record<string, any>} Fields */

const CHAT = [
  ...["model", "messages", "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs"],
  ...["max_completion_tokens", "max_tokens", "metadata", "modalities", "n", "parallel_tool_calls", "prediction"],
  ...["presence_penalty", "prompt_cache_key", "prompt_cache_retention", "reasoning_effort", "response_format"],
  ...["safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature"],
  ...["tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options"],
];
const RESPONSE = [
  ...["model", "input", "background", "context_management", "conversation", "include", "instructions"],
  ...["max_output_tokens", "max_tool_calls", "metadata", "parallel_tool_calls", "previous_response_id", "prompt"],
  ...["prompt_cache_key", "prompt_cache_retention", "reasoning", "safety_identifier", "service_tier", "store"],
  ...["stream", "stream_options", "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p"],
  ...["truncation", "user", "client_metadata"],
];
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;
/** @type {Record<string, string[]>} */
const PARTS = {
  system: ["text"],
  developer: ["text"],
  user: ["text", "image_url", "input_audio", "file"],
  assistant: ["text", "refusal"],
  tool: ["text"],
};
/** @type {Record<string, string[]>} */
const MESSAGE = {
  system: ["role", "content", "name"],
  developer: ["role", "content", "name"],
  user: ["role", "content", "name"],
  assistant: ["role", "content", "name", "tool_calls", "refusal", "audio", "function_call", "annotations"],
  tool: ["role", "content", "tool_call_id", "name"],
};

/** @param {Fields} body */
export function chatFault(body) {
  return (
    unknownField("", body, CHAT) ??
    (body.model ? undefined : "you must provide a model parameter") ??
    togetherFault(body) ??
    toolsFault(body.tools, (tool) => tool.function) ??
    messagesFault(body.messages)
  );
}

/** @param {Fields} body */
export function responseFault(body) {
  const { input = [] } = body;
  return (
    unknownField("", body, RESPONSE) ??
    (body.model ? undefined : "you must provide a model parameter") ??
    (body.stream_options && !body.stream ? "'stream_options' may only be set when 'stream' is true" : undefined) ??
    toolsFault(body.tools, (tool) => tool) ??
    (typeof input === "string" ? undefined : itemsFault(input))
  );
}

/** @param {string} place @param {Fields} value @param {string[]} known */
function unknownField(place, value, known) {
  const unknown = Object.keys(value).find((field) => !known.includes(field));
  return unknown && `Unknown parameter: '${place}${unknown}'.`;
}

/** @param {Fields} body */
function togetherFault(body) {
  if (body.tools?.length === 0) return "[] is too short - 'tools'";
  if (body.stream_options && !body.stream)
    return "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
  for (const field of ["tool_choice", "parallel_tool_calls"]) {
    if (body[field] !== undefined && !body.tools) return `'${field}' is only allowed when 'tools' are specified.`;
  }
  if (body.max_tokens !== undefined && body.max_completion_tokens !== undefined) {
    return "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
  }
  if (body.user?.length > 64) return "Invalid 'user': string too long. Expected a string with maximum length 64.";
  if (body.temperature !== undefined && !(body.temperature >= 0 && body.temperature <= 2))
    return "Invalid 'temperature'";
  return undefined;
}

/** @param {Fields[] | undefined} tools @param {(tool: Fields) => Fields} functionOf */
function toolsFault(tools = [], functionOf) {
  for (const [at, tool] of tools.entries()) {
    if (tool.type !== "function") continue;
    const { name, parameters, ...more } = functionOf(tool) ?? {};
    if (!NAME.test(name)) return `Invalid 'tools[${at}].function.name': string does not match pattern: ${name}`;
    if (parameters && parameters.type !== "object")
      return `Invalid schema for function '${name}': schema must be of type "object"`;
    if (parameters && !parameters.properties)
      return `Invalid schema for function '${name}': object schema missing properties`;
    const fault = unknownField(`tools[${at}].function.`, more, ["description", "strict", "type", "defer_loading"]);
    if (fault) return fault;
  }
  return undefined;
}

/** @param {Fields[]} messages */
function messagesFault(messages) {
  if (!messages?.length) return "[] is too short - 'messages'";
  /** @type {string[]} */
  let open = [];
  for (const [at, message] of messages.entries()) {
    const place = `messages[${at}]`;
    if (!MESSAGE[message.role]) return `Invalid value: '${message.role}' of ${place}.role`;
    const fault = unknownField(`${place}.`, message, MESSAGE[message.role]) ?? contentFault(place, message);
    if (fault) return fault;
    if (message.role === "tool") {
      if (!open.includes(message.tool_call_id)) {
        return `${place}: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.`;
      }
      open = open.filter((id) => id !== message.tool_call_id);
      continue;
    }
    if (open.length > 0) return `An assistant message with 'tool_calls' must be followed by tool messages: ${open}`;
    open = (message.tool_calls ?? []).map((/** @type {Fields} */ { id }) => id);
  }
  return open.length > 0
    ? `An assistant message with 'tool_calls' must be followed by tool messages: ${open}`
    : undefined;
}

/** @param {string} place @param {Fields} message */
function contentFault(place, { role, content, tool_calls: calls, refusal, audio }) {
  if (calls?.length === 0) return `Invalid '${place}.tool_calls': empty array.`;
  for (const call of calls ?? []) {
    if (call.type !== "function" || !call.id) return `Missing required parameter: '${place}.tool_calls[].id' or type`;
    if (!NAME.test(call.function.name)) return `Invalid '${place}.tool_calls[].function.name': ${call.function.name}`;
    if (typeof call.function.arguments !== "string")
      return `Invalid type for '${place}.tool_calls[].function.arguments'`;
  }
  if (content === null || content === undefined) {
    return role === "assistant" && (calls || refusal || audio)
      ? undefined
      : `Invalid value for 'content': expected a string, got null (${place})`;
  }
  if (typeof content === "string") return undefined;
  if (content.length === 0) return `Invalid '${place}.content': empty array.`;
  const { type } = content.find((/** @type {Fields} */ part) => !PARTS[role].includes(part.type)) ?? {};
  return type && `Invalid value: '${type}' of ${place}.content[].type`;
}

/** Types of items whose call and whose output pair up. */
const CALLS = ["function_call", "custom_tool_call", "local_shell_call", "shell_call", "apply_patch_call"];

/** @param {Fields[]} items */
function itemsFault(items) {
  /** @type {Set<string>} */
  const open = new Set();
  for (const [at, item] of items.entries()) {
    const type = item.type ?? "message";
    if (CALLS.includes(type)) {
      if (type === "function_call" && (!NAME.test(item.name) || typeof item.arguments !== "string")) {
        return `Invalid 'input[${at}]': name ${item.name} or arguments`;
      }
      open.add(item.call_id);
    } else if (CALLS.includes(type.replace(/_output$/, ""))) {
      if (!open.delete(item.call_id))
        return `No tool call found for function call output with call_id ${item.call_id}.`;
    } else if (type === "message") {
      const wrong = responseContentFault(item);
      if (wrong) return `Invalid value: '${wrong}' of input[${at}].content[].type`;
    }
  }
  return open.size > 0 ? `No tool output found for function call ${[...open]}.` : undefined;
}

/** @param {Fields} item */
function responseContentFault({ role, content }) {
  if (typeof content === "string") return undefined;
  const allowed =
    role === "assistant" ? ["output_text", "refusal"] : ["input_text", "input_image", "input_file", "input_audio"];
  return content
    .map((/** @type {Fields} */ { type }) => type)
    .find((/** @type {string} */ type) => !allowed.includes(type));
}
