// Reads the user's queries from text, CSV or JSONL. A malformed line is reported and skipped.

/** @import { Message } from "pointsman" */

import Papa from "papaparse";

import { faultFrom } from "./fault.js";

/**
 * @typedef {{line: number, input: string | Message[]}} QueryRow a query or a conversation, with its line in the file
 * @typedef {{line: number, reason: string}} RefusedLine
 * @typedef {{rows: QueryRow[], refused: RefusedLine[], column?: string}} Read
 * @typedef {keyof typeof READERS} Format
 */

/** Names of the column or field that holds the query; the first one found counts. */
const NAMES = ["query", "prompt", "question", "text", "input", "instruction", "content"];
export const MOST_QUERIES = 200_000;

/**
 * @param {string} text the file's text
 * @param {string} name its name; the format is told by the extension, or else by the content
 * @returns {{format: Format, column?: string, inputs: QueryRow[], refused: RefusedLine[], more: number}} `more` counts
 *   what is beyond the limit
 */
export function readQueries(text, name = "") {
  const format = formatOf(text, name);
  const { rows, refused, column } = READERS[format](text.replace(/^\ufeff/, ""));
  const inputs = rows.slice(0, MOST_QUERIES);
  return { format, column, inputs, refused, more: rows.length - inputs.length };
}

/** @param {string} text @param {string} name @returns {Format} */
function formatOf(text, name) {
  const [, extension] = /\.(\w+)$/.exec(name.toLowerCase()) ?? [];
  if (extension === "jsonl" || extension === "ndjson") return "jsonl";
  if (extension === "csv" || extension === "tsv") return "csv";
  if (!extension && /^\s*\{/.test(text)) return "jsonl";
  const header = text
    .slice(0, text.indexOf("\n"))
    .split(/[,;\t]/)
    .map(plain);
  return !extension && header.length > 1 && header.some((cell) => NAMES.includes(cell)) ? "csv" : "text";
}

const READERS = { text: fromText, csv: fromCsv, jsonl: fromJsonl };

/** @param {string} text @returns {Read} */
function fromText(text) {
  const rows = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim()) rows.push({ line: i + 1, input: line.trim() });
  }
  return { rows, refused: [] };
}

/** @param {string} text @returns {Read} */
function fromCsv(text) {
  const { data, errors } = Papa.parse(text, /** @type {Papa.ParseConfig<string[]>} */ ({ skipEmptyLines: "greedy" }));
  const broken = new Map(errors.map(({ row, message }) => [row, message]));
  const header = (data[0] ?? []).map(plain);
  const named = NAMES.map((name) => header.indexOf(name)).find((at) => at !== -1);
  const at = named ?? 0;
  const rows = [];
  const refused = [];
  for (const [i, cells] of data.entries()) {
    if (i === 0 && named !== undefined) continue;
    const input = cells[at]?.trim();
    const reason = broken.get(i);
    if (reason !== undefined) refused.push({ line: i + 1, reason });
    else if (input) rows.push({ line: i + 1, input });
    else refused.push({ line: i + 1, reason: "empty" });
  }
  return { rows, refused, column: named === undefined ? "1" : data[0][named] };
}

/** @param {string} text @returns {Read} */
function fromJsonl(text) {
  const rows = [];
  const refused = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (!line.trim()) continue;
    try {
      const input = inputOf(JSON.parse(line));
      if (input) rows.push({ line: i + 1, input });
      else refused.push({ line: i + 1, reason: `no field ${NAMES.join(", ")} or messages` });
    } catch (error) {
      refused.push({ line: i + 1, reason: faultFrom(error).message });
    }
  }
  return { rows, refused };
}

/** @param {any} value of JSON @returns {QueryRow["input"] | undefined} */
function inputOf(value) {
  if (typeof value === "string") return value.trim();
  if (Array.isArray(value?.messages)) return value.messages;
  const name = NAMES.find((name) => typeof value?.[name] === "string");
  return name && value[name].trim();
}

/** @param {string} cell */
function plain(cell) {
  return cell.trim().replace(/^"|"$/g, "").toLowerCase();
}
