// Checks Markdown tables, for the tests of the reports.

import assert from "node:assert/strict";

/**
 * Asserts that every table's rows have as many cells as its head.
 * @param {string} markdown
 */
export function assertTablesAreEven(markdown) {
  for (const table of markdown.split("\n\n").filter((part) => part.startsWith("|"))) {
    const cells = table
      .trim()
      .split("\n")
      .map((line) => line.split(" | ").length);
    assert.deepEqual([...new Set(cells)], [cells[0]], table);
  }
}
