// The stand-in provider refuses what the real APIs refuse, and takes what they take.

import assert from "node:assert/strict";
import { test } from "node:test";

import { anthropicFault } from "./anthropic-rules.mjs";
import { chatFault, responseFault } from "./openai-rules.mjs";
import { signatureOf } from "./signature.mjs";

const SCHEMA = { type: "object", properties: { path: { type: "string" } } };
const user = { role: "user", content: "Hi" };
/** @typedef {[fault: RegExp | undefined, changed: Record<string, any>][]} Cases what is changed in a sound request */

/**
 * @param {(body: Record<string, any>) => string | undefined} faultOf
 * @param {Record<string, any>} sound
 * @param {Cases} cases
 */
function holds(faultOf, sound, cases) {
  for (const [expected, changed] of [/** @type {Cases[number]} */ ([undefined, {}]), ...cases]) {
    const fault = faultOf({ ...sound, ...changed });
    if (expected) assert.match(String(fault), expected, JSON.stringify(changed));
    else assert.equal(fault, undefined, JSON.stringify(changed));
  }
}

test("Anthropic's messages", () => {
  const headers = { "anthropic-version": "2023-06-01", "x-api-key": "sk" };
  const use = (/** @type {string} */ id) => ({ type: "tool_use", id, name: "read", input: {} });
  const result = (/** @type {string} */ id) => ({ type: "tool_result", tool_use_id: id, content: "x" });
  const turns = (/** @type {object[][]} */ ...contents) => ({
    messages: [user, ...contents.map((content, index) => ({ role: index % 2 ? "user" : "assistant", content }))],
  });
  const thought = { type: "thinking", thinking: "Hm.", signature: signatureOf("m", "Hm.") };
  holds(
    (body) => anthropicFault(body, headers),
    { model: "m", max_tokens: 2048, messages: [user], tools: [{ name: "read", input_schema: SCHEMA }] },
    [
      [undefined, turns([thought, use("a")], [result("a"), { type: "text", text: "Go on." }])],
      [undefined, { messages: [user, { role: "system", content: "Be brief." }] }],
      [undefined, { thinking: { type: "enabled", budget_tokens: 1024 } }],
      [/max_tokens: Field required/, { max_tokens: undefined }],
      [/user_name: Extra inputs/, { user_name: "ann" }],
      [/context_management: Extra inputs/, { context_management: {} }],
      [/metadata.user: Extra inputs/, { metadata: { user: "ann" } }],
      [/temperature/, { temperature: 1.5 }],
      [/max_tokens.*greater than/, { thinking: { type: "enabled", budget_tokens: 4096 } }],
      [/tool_choice forces/, { thinking: { type: "enabled", budget_tokens: 1024 }, tool_choice: { type: "any" } }],
      [/input_schema.type/, { tools: [{ name: "read", input_schema: {} }] }],
      [/name: String should match/, { tools: [{ name: "a.b", input_schema: SCHEMA }] }],
      [/first message must use the user role/, { messages: [{ role: "assistant", content: "Hi" }] }],
      [/must be non-empty/, { messages: [{ role: "user", content: [{ type: "text", text: "" }] }] }],
      [/role: Input should be/, { messages: [user, { role: "tool", content: "x" }] }],
      [/output_config: Extra inputs/, { messages: [user, { role: "system", content: "x", output_config: {} }] }],
      [/Extra inputs/, turns([{ ...use("a"), index: 0 }], [result("a")])],
      [/without `tool_result`/, turns([use("a")])],
      [/without `tool_result`/, turns([use("a")], [{ type: "text", text: "No." }])],
      [/unexpected `tool_use_id`/, turns([{ type: "text", text: "x" }], [result("a")])],
      [/must come first/, turns([use("a")], [{ type: "text", text: "x" }, result("a")])],
      [/must be unique/, turns([use("a")], [result("a")], [use("a")], [result("a")])],
      [/Invalid `signature`/, turns([{ ...thought, signature: "other" }, use("a")], [result("a")])],
      [
        /Expected `thinking`/,
        { ...turns([use("a")], [result("a")]), thinking: { type: "enabled", budget_tokens: 1024 } },
      ],
      [/maximum of 4/, { system: Array(5).fill({ type: "text", text: "x", cache_control: { type: "ephemeral" } }) }],
    ],
  );
  assert.match(String(anthropicFault({}, {})), /anthropic-version/);
});

test("OpenAI's chat completions", () => {
  const tool = (/** @type {object} */ parameters, name = "read") => ({
    type: "function",
    function: { name, parameters },
  });
  const call = {
    role: "assistant",
    tool_calls: [{ id: "a", type: "function", function: { name: "read", arguments: "{}" } }],
  };
  const result = { role: "tool", tool_call_id: "a", content: "x" };
  holds(chatFault, { model: "m", messages: [user], tools: [tool(SCHEMA)] }, [
    [undefined, { messages: [user, call, result, user] }],
    [/Unknown parameter: 'top_k'/, { top_k: 4 }],
    [
      /Unknown parameter: 'messages\[1\].reasoning_content'/,
      { messages: [user, { role: "assistant", content: "x", reasoning_content: "y" }] },
    ],
    [/Unknown parameter/, { messages: [{ ...user, cache_control: {} }] }],
    [/Invalid value: 'thinking'/, { messages: [{ role: "user", content: [{ type: "thinking" }] }] }],
    [/only allowed when 'stream'/, { stream_options: { include_usage: true } }],
    [/too short - 'tools'/, { tools: [] }],
    [/only allowed when 'tools'/, { tools: undefined, tool_choice: "auto" }],
    [/at the same time/, { max_tokens: 1, max_completion_tokens: 1 }],
    [/string too long/, { user: "x".repeat(65) }],
    [/missing properties/, { tools: [tool({ type: "object" })] }],
    [/does not match pattern/, { tools: [tool(SCHEMA, "a.b")] }],
    [/must be followed by tool messages/, { messages: [user, call, user] }],
    [/must be a response to a preceding/, { messages: [user, result] }],
    [/expected a string, got null/, { messages: [{ role: "user", content: null }] }],
  ]);
});

test("OpenAI's responses", () => {
  const call = { type: "function_call", call_id: "a", name: "read", arguments: "{}" };
  const result = { type: "function_call_output", call_id: "a", output: "x" };
  holds(responseFault, { model: "m", input: "Hi", tools: [{ type: "function", name: "read", parameters: SCHEMA }] }, [
    [undefined, { input: [user, call, result] }],
    [/Unknown parameter: 'messages'/, { messages: [user] }],
    [/missing properties/, { tools: [{ type: "function", name: "read", parameters: { type: "object" } }] }],
    [/No tool call found/, { input: [user, result] }],
    [/No tool output found/, { input: [user, call] }],
    [/Invalid value: 'text'/, { input: [{ role: "user", content: [{ type: "text", text: "x" }] }] }],
  ]);
});
