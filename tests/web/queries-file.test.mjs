// Reading the user's queries from text, CSV and JSONL, and writing decisions as CSV.

import assert from "node:assert/strict";
import { test } from "node:test";

import { RouterError } from "pointsman";

import { decisionsCsv, textOf } from "../../web/src/model/decisions-csv.js";
import { MOST_QUERIES, readQueries } from "../../web/src/model/queries-file.js";

const inputs = (/** @type {ReturnType<typeof readQueries>} */ read) => read.inputs.map(({ input }) => input);

test("text has one query per line, and blank lines are skipped", () => {
  const read = readQueries("\ufeffone\r\n\r\n  two  \nthree, with a comma", "");
  assert.equal(read.format, "text");
  assert.deepEqual(inputs(read), ["one", "two", "three, with a comma"]);
  assert.deepEqual(
    read.inputs.map(({ line }) => line),
    [1, 3, 4],
  );
});

test("CSV is read by the column's name, with quotes and line breaks inside quotes", () => {
  const read = readQueries('id,Prompt,x\n1,"say ""hi"", please\nnow",a\n2,plain,b\n3,,c\n', "queries.csv");
  assert.equal(read.format, "csv");
  assert.equal(read.column, "Prompt");
  assert.deepEqual(inputs(read), ['say "hi", please\nnow', "plain"]);
  assert.deepEqual(read.refused, [{ line: 4, reason: "empty" }]);
});

test("CSV without a known column name is read from its first column", () => {
  assert.deepEqual(inputs(readQueries("one;1\ntwo;2\n", "a.csv")), ["one", "two"]);
});

test("pasted CSV without a file name is recognised by its header", () => {
  assert.equal(readQueries("id\tquery\n1\thello\n", "").format, "csv");
  assert.equal(readQueries("Hello, query\nanother", "").format, "csv");
  assert.equal(readQueries("Hello, you\nanother", "").format, "text");
});

test("JSONL takes texts, fields and messages, and skips only malformed lines", () => {
  const messages = [{ role: "user", content: "hi" }];
  const lines = [
    '{"query": "one"}',
    '"two"',
    JSON.stringify({ messages }),
    "{broken",
    '{"other": 1}',
    "",
    '{"prompt": " three "}',
  ];
  const read = readQueries(lines.join("\n"), "q.jsonl");
  assert.deepEqual(inputs(read), ["one", "two", messages, "three"]);
  assert.deepEqual(
    read.refused.map(({ line }) => line),
    [4, 5],
  );
  assert.match(read.refused[1].reason, /query/);
});

test("queries beyond the limit are counted, not silently dropped", () => {
  const read = readQueries("x\n".repeat(MOST_QUERIES + 7), "many.txt");
  assert.equal(read.inputs.length, MOST_QUERIES);
  assert.equal(read.more, 7);
});

test("decisions written as CSV are read back unchanged, and no cell is a formula", () => {
  /** @type {import("pointsman").Decision} */
  const decision = {
    model: "m",
    reason: "above_threshold",
    winRate: 0.5,
    threshold: 0.4,
    scores: [],
    tokens: 3,
    ratedTokens: 3,
    estimatedCost: 0.001,
  };
  const rows = [
    { line: 1, input: 'a "quoted", line\nbreak', outcome: { decision } },
    { line: 2, input: "=HYPERLINK(1)", outcome: { decision } },
    { line: 3, input: "x", outcome: { error: new RouterError("query_empty", "empty") } },
  ];
  const csv = decisionsCsv(rows);
  const back = readQueries(csv, "back.csv");
  assert.deepEqual(inputs(back), ['a "quoted", line\nbreak', "'=HYPERLINK(1)", "x"]);
  assert.match(csv, /query_empty: empty/);
});

test("a conversation is shown as its turns", () => {
  const content = [{ type: "text", text: "look" }, { type: "image_url" }];
  assert.equal(
    textOf([
      { role: "user", content },
      { role: "assistant", content: null },
    ]),
    "user: look \nassistant: ",
  );
});
