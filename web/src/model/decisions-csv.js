// Writes the decisions on the user's queries as CSV.

/** @import { BatchResult, Message } from "pointsman" */
/** @import { QueryRow } from "./queries-file.js" */

import Papa from "papaparse";

/** @typedef {QueryRow & {outcome: BatchResult}} RoutedRow */

/** @param {RoutedRow[]} rows */
export function decisionsOf(rows) {
  return rows.flatMap(({ outcome: { decision } }) => decision ?? []);
}

/** @param {RoutedRow[]} rows */
export function decisionsCsv(rows) {
  const cells = rows.map(({ line, input, outcome: { decision, error } }) => ({
    line,
    query: textOf(input),
    model: decision?.model ?? "",
    win_rate: decision?.winRate ?? "",
    threshold: decision?.threshold ?? "",
    tokens: decision?.tokens ?? "",
    estimated_cost_usd: decision?.estimatedCost ?? "",
    error: error ? `${error.code}: ${error.message}` : "",
  }));
  // Spreadsheets would run a cell that begins like a formula.
  return Papa.unparse(cells, { escapeFormulae: true, newline: "\r\n" });
}

/**
 * A query or a conversation as one readable text.
 * @param {QueryRow["input"]} input
 */
export function textOf(input) {
  if (typeof input === "string") return input;
  return input.map(({ role, content }) => `${role}: ${contentText(content)}`).join("\n");
}

/** @param {Message["content"]} content */
function contentText(content) {
  if (typeof content === "string") return content;
  return Array.isArray(content) ? content.map(({ text }) => text ?? "").join(" ") : "";
}
