// What the stand-in's model reads of a conversation, and what it does: see provider.mjs.

/**
 * @typedef {{name: string, schema: {properties?: Record<string, Schema>, required?: string[]}}} Declared a tool
 * @typedef {{type?: string | string[], items?: Schema, enum?: unknown[], properties?: Record<string, Schema>,
 *   required?: string[]}} Schema
 * @typedef {{user: string, results: string[], told: string[], tools: Declared[]}} Order the user's last message, the
 *   results of tools since, all that the assistant said, and the tools
 */

/** What the model tells of a file, by its secret word. */
export const told = (/** @type {string} */ word) => `The file says ${word}.`;
export const said = (/** @type {string} */ word) => `Word: ${word}.`;
export const recalled = (/** @type {string} */ word) => `As before: ${word}.`;
/** A file's text with its secret word. */
export const fileWith = (/** @type {string} */ word) => `Some notes.\nsecret word: ${word}\n`;

const ORDER = /\b(SAY|READ|RECALL)\b(?: (\S+[\w]))?/;

/**
 * @param {Order} order
 * @param {number} number of the request
 * @returns {{text: string, call?: {id: string, name: string, input: object}}}
 */
export function reply({ user, results, told: before, tools }, number) {
  const [, verb, object = ""] = ORDER.exec(user) ?? [];
  if (verb === "SAY") return { text: said(object) };
  if (verb === "RECALL") {
    const word = before.map((text) => /The file says (\w+)/.exec(text)?.[1]).findLast(Boolean);
    return { text: word ? recalled(word) : "Nothing was told before." };
  }
  if (verb !== "READ" || tools.length === 0) return { text: "A title" };
  if (results.length === 0) return { text: "", call: { id: `call_${number}`, ...reading(tools, object) } };
  const word = results.map((text) => /secret word: (\w+)/.exec(text)?.[1]).find(Boolean);
  return { text: word ? told(word) : `No secret word in: ${results.join(" | ").slice(0, 400)}` };
}

/**
 * The call of the tool that reads a file, else of the shell.
 * @param {Declared[]} tools
 * @param {string} path
 */
function reading(tools, path) {
  const tool =
    tools.find(({ name }) => /^(read|read_?files?|view)$/i.test(name)) ??
    tools.find(({ name }) => /^(bash|shell|exec_command|run_commands?|run_terminal_command)$/i.test(name));
  if (!tool) throw new Error(`no tool that reads a file among ${tools.map(({ name }) => name)}`);
  return { name: tool.name, input: filled(tool.schema, path) };
}

/** @param {Schema} schema @param {string} path @returns {Record<string, unknown>} */
function filled({ properties = {}, required }, path) {
  const names = required ?? Object.keys(properties).slice(0, 1);
  return Object.fromEntries(names.map((name) => [name, filledValue(name, properties[name], path)]));
}

/** @param {string} name @param {Schema} schema @param {string} path @returns {unknown} */
function filledValue(name, { type, items, enum: values, ...schema }, path) {
  if (values) return values[0];
  const kind = [type].flat()[0];
  if (kind === "array") return [filledValue(name, items ?? {}, path)];
  if (kind === "object") return filled(schema, path);
  if (kind === "boolean") return false;
  if (kind === "number" || kind === "integer") return 1;
  return /command|cmd/i.test(name) ? `cat ${path}` : /path|file/i.test(name) ? path : "to read it";
}

/** @typedef {Record<string, any>} Fields */

/** @param {Fields} body @returns {Order} */
export function turnOfChat({ messages, tools = [] }) {
  const last = messages.findLastIndex((/** @type {Fields} */ { role, content }) => role === "user" && ordered(content));
  return {
    user: textOf(messages[last]?.content),
    results: after(messages, last, ({ role }) => role === "tool"),
    told: after(messages, -1, ({ role }) => role === "assistant"),
    tools: tools.map((/** @type {Fields} */ { function: { name, parameters } }) => ({ name, schema: parameters })),
  };
}

/** @param {Fields} body @returns {Order} */
export function turnOfMessages({ messages, tools = [] }) {
  const last = messages.findLastIndex((/** @type {Fields} */ { role, content }) => role === "user" && ordered(content));
  const blocks = messages.slice(last + 1).flatMap((/** @type {Fields} */ { content }) => content);
  return {
    user: textOf(messages[last]?.content),
    results: after(blocks, -1, ({ type }) => type === "tool_result"),
    told: after(messages, -1, ({ role }) => role === "assistant"),
    tools: tools.flatMap((/** @type {Fields} */ { name, input_schema: schema }) => (schema ? [{ name, schema }] : [])),
  };
}

/** @param {Fields} body @returns {Order} */
export function turnOfResponse({ input, tools = [] }) {
  const items = typeof input === "string" ? [{ role: "user", content: input }] : input;
  const last = items.findLastIndex((/** @type {Fields} */ { role, content }) => role === "user" && ordered(content));
  return {
    user: textOf(items[last]?.content),
    results: items
      .slice(last + 1)
      .filter((/** @type {Fields} */ { type = "" }) => type.endsWith("_output"))
      .map((/** @type {Fields} */ { output }) => (typeof output === "string" ? output : JSON.stringify(output))),
    told: after(items, -1, ({ role }) => role === "assistant"),
    tools: tools.flatMap((/** @type {Fields} */ { type, name, parameters }) =>
      type === "function" ? [{ name, schema: parameters }] : [],
    ),
  };
}

const ordered = (/** @type {unknown} */ content) => ORDER.test(textOf(content));

/** @param {Fields[]} list @param {number} from @param {(one: Fields) => boolean} which */
function after(list, from, which) {
  return list
    .slice(from + 1)
    .filter(which)
    .map(({ content }) => textOf(content));
}

/** @param {any} content @returns {string} */
function textOf(content) {
  if (!content || typeof content === "string") return content ?? "";
  return content.map((/** @type {Fields} */ { text }) => text ?? "").join("\n");
}
