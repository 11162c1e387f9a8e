// The command `pointsman`: its output, errors and exit codes.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";

import { Router } from "pointsman";

import { bundleFiles, readJson, TINY } from "../hosts/paths.mjs";
import { tar } from "../hosts/tar.mjs";
import { EXPECTED, POLICY, QUERY } from "./expected.mjs";
import { PACKAGE } from "./packed.mjs";

const COMMAND = join(PACKAGE, "src/entry/command.js");
const router = await Router.load();
const scratch = await mkdtemp(join(tmpdir(), "pointsman-command-"));
after(() => rm(scratch, { recursive: true }));

/** @param {string[]} words @returns {Promise<{code: number | null, out: string, err: string}>} */
function command(words, input = "") {
  const child = spawn(process.execPath, [COMMAND, ...words]);
  const collected = (/** @type {import("node:stream").Readable} */ stream) => {
    let text = "";
    stream.setEncoding("utf8").on("data", (piece) => {
      text += piece;
    });
    return () => text;
  };
  const [out, err] = [collected(child.stdout), collected(child.stderr)];
  // The command may end before it has read all input.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.on("close", (code) => resolve({ code, out: out(), err: err() }));
  });
}

/** @type {(text: string) => any[]} */
const rows = (text) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("a query's decision is printed as text and as JSON", async () => {
  const readable = await command([QUERY, "--strong-share", String(POLICY.strongShare)]);
  assert.equal(readable.code, 0);
  assert.equal(readable.err, "");
  assert.match(readable.out, new RegExp(`^model +${EXPECTED.model}$`, "m"));
  assert.match(readable.out, new RegExp(`^win rate +${EXPECTED.winRate?.toFixed(4)}$`, "m"));
  const json = await command(["--json", "--strong-share=0.4", QUERY]);
  assert.deepEqual(JSON.parse(json.out), EXPECTED);
  assert.equal(json.out.split("\n").length, 2, "one line");
});

test("- reads the query from standard input, and a query after -- may begin with a dash", async () => {
  assert.deepEqual(JSON.parse((await command(["--json", "-", "--strong-share=0.4"], QUERY)).out), EXPECTED);
  const dashed = await command(["--json", "--", "-5 + 3?"]);
  assert.deepEqual(JSON.parse(dashed.out), router.route("-5 + 3?"));
});

const ids = router.info().candidates.map(({ id }) => id);

test("each option of the policy is that of route()", async () => {
  /** @type {[words: string[], policy: import("pointsman").Policy][]} */
  const cases = [
    [["--threshold", "0.1"], { threshold: 0.1 }],
    [["--strong-share", "1"], { strongShare: 1 }],
    [["--shares", `${ids[0]}=0.25, ${ids[1]}=0.75`], { shares: { [ids[0]]: 0.25, [ids[1]]: 0.75 } }],
    [["--shares", `${ids[0]}=0`, "--shares", `${ids[1]}=1`], { shares: { [ids[0]]: 0, [ids[1]]: 1 } }],
    [["--output-tokens", "9"], { outputTokens: 9 }],
    [["--candidates", ids[1]], { candidates: [ids[1]] }],
    [["--candidates", ids.join(", ")], { candidates: ids }],
    [["--candidates", ids[1], "--candidates", ids[0]], { candidates: [ids[1], ids[0]] }],
  ];
  for (const [words, policy] of cases) {
    const { code, out } = await command(["--json", ...words, QUERY]);
    assert.equal(code, 0, words.join(" "));
    assert.deepEqual(JSON.parse(out), router.route(QUERY, policy), words.join(" "));
  }
  // The default bundle's tiers have no prices.
  const tiny = await Router.load(TINY);
  /** @type {[name: string, policy: import("pointsman").Policy][]} */
  const ofCost = [
    ["--cost-weight", { costWeight: 1000 }],
    ["--max-cost", { maxCost: 1000 }],
  ];
  for (const [name, policy] of ofCost) {
    const { code, out } = await command(["--json", "--bundle", TINY, name, "1000", QUERY]);
    assert.equal(code, 0, name);
    assert.deepEqual(JSON.parse(out), tiny.route(QUERY, policy), name);
  }
});

test("--bundle takes a folder, an archive or a URL", async () => {
  const archive = join(scratch, "tiny.tar");
  await writeFile(archive, tar(bundleFiles(TINY)));
  const tiny = await Router.load(TINY);
  for (const place of [TINY, archive, `file://${archive}`]) {
    const { out } = await command(["--json", "--bundle", place, QUERY]);
    assert.deepEqual(JSON.parse(out), tiny.route(QUERY), place);
  }
});

test("--jsonl decides on each line in order; a bad line is reported by its number and does not affect others", async () => {
  const lines = [
    JSON.stringify({ id: "a", query: "Hi" }),
    "",
    "no JSON",
    JSON.stringify({ id: "b", messages: [{ role: "user", content: QUERY }] }),
    JSON.stringify(["a list"]),
    JSON.stringify({ id: "c", query: "" }),
    JSON.stringify({ query: 42 }),
    JSON.stringify({ id: 5, query: "Bye", more: "is ignored" }),
  ];
  const { code, out, err } = await command(["--jsonl", "-"], `\ufeff${lines.join("\r\n")}`);
  assert.equal(code, 1);
  const found = rows(out);
  assert.deepEqual(
    found.map(({ id, model, error }) => [id, model ? "decided" : error.code]),
    [
      ["a", "decided"],
      [undefined, "request_ill_formed"],
      ["b", "decided"],
      [undefined, "request_ill_formed"],
      ["c", "query_empty"],
      [undefined, "argument_query"],
      [5, "decided"],
    ],
  );
  const { id, ...decision } = found[2];
  assert.deepEqual(decision, router.route(QUERY));
  assert.deepEqual(
    [...err.matchAll(/line (\d+): /g)].map(([, number]) => Number(number)),
    [3, 5, 6, 7],
  );
});

test("--jsonl reads a file, applies the policy to all lines, and exits with 0 if all succeed", async () => {
  const file = join(scratch, "queries.jsonl");
  await writeFile(file, `${JSON.stringify({ query: QUERY })}\n${JSON.stringify({ query: "Hi" })}\n`);
  const { code, out, err } = await command(["--jsonl", file, "--threshold", "0"]);
  assert.deepEqual([code, err], [0, ""]);
  assert.deepEqual(
    rows(out),
    [QUERY, "Hi"].map((query) => router.route(query, { threshold: 0 })),
  );
});

test("many lines, longer than a chunk of the stream, are processed", async () => {
  const long = "word ".repeat(40_000);
  const lines = Array.from({ length: 3000 }, (_, i) =>
    JSON.stringify({ id: i, query: i % 500 === 0 ? long : `query ${i}` }),
  );
  const { code, out } = await command(["--jsonl", "-"], lines.join("\n"));
  assert.equal(code, 0);
  assert.deepEqual(
    rows(out).map(({ id }) => id),
    lines.map((_, i) => i),
  );
});

test("a closed standard output ends the command without an error", async () => {
  const child = spawn(process.execPath, [COMMAND, "--jsonl", "-"]);
  let err = "";
  child.stderr.on("data", (piece) => {
    err += piece;
  });
  child.stdin.on("error", () => {});
  const feed = setInterval(() => child.stdin.write(`${JSON.stringify({ query: "Hi" })}\n`.repeat(1000)), 1);
  child.stdout.once("data", () => child.stdout.destroy());
  const code = await new Promise((resolve) => child.on("close", resolve));
  clearInterval(feed);
  assert.deepEqual([code, err], [0, ""]);
});

test("a query that fails is reported on standard error, with exit code 1", async () => {
  for (const words of [[""], ["-"]]) {
    const { code, out, err } = await command(words, "  \n");
    assert.equal(code, 1);
    assert.equal(out, "");
    assert.match(err, /query is empty.*query_empty/);
  }
  const { code, err } = await command([QUERY, "--bundle", TINY, "--max-cost", "0"]);
  assert.equal(code, 1);
  assert.match(err, /no_candidate/);
});

test("wrong usage and a missing bundle or file exit with 2 and say what to do", async () => {
  /** @type {[words: string[], message: RegExp][]} */
  const cases = [
    [[], /no query/],
    [["two", "words"], /quote it/],
    [["--jsonl", "-", QUERY], /one of them/],
    [["--unknown", QUERY], /unknown/],
    [["--threshold", "high", QUERY], /--threshold is "high": expected a number/],
    [["--threshold", "", QUERY], /expected a number/],
    [["--output-tokens", "1.5", QUERY], /whole number/],
    [["--output-tokens=-1", QUERY], /./],
    [["--threshold", "2", QUERY], /\[0, 1\]/],
    [["--threshold", "0.1", "--strong-share", "0.1", QUERY], /contradict/],
    [["--candidates", "nobody", QUERY], /no candidate of this bundle/],
    [["--shares", "nobody=1", QUERY], /no candidate of this bundle/],
    [["--shares", `${ids[0]}=0.5,${ids[1]}=0.2`, QUERY], /sum to 1/],
    [["--shares", `${ids[0]}=2,${ids[1]}=-1`, QUERY], /in \[0, 1\]/],
    [["--shares", "", QUERY], /sum to 1/],
    [["--shares", ids[0], QUERY], /expected ID=N, such as large=0.2,small=0.8/],
    [["--shares", "=0.5", QUERY], /expected ID=N/],
    [["--shares", `${ids[0]}=half`, QUERY], /--shares of ".*" is "half": expected a number/],
    [["--shares", `${ids[0]}=0.5,${ids[0]}=0.5`, QUERY], /twice: expected each model once/],
    [["--shares", `${ids[0]}=1`, "--strong-share", "0.1", QUERY], /contradict/],
    [["--bundle", join(scratch, "nowhere"), QUERY], /ENOENT/],
    [["--jsonl", join(scratch, "nowhere")], /ENOENT/],
    [["--jsonl", scratch], /EISDIR/],
  ];
  for (const [words, message] of cases) {
    const { code, out, err } = await command(words);
    assert.equal(code, 2, `${words.join(" ")}: ${err}`);
    assert.equal(out, "");
    assert.match(err, message);
    assert.doesNotMatch(err, /\n {4}at /, "no stack");
  }
});

test("--help prints every option and exit code to standard output, --version the version", async () => {
  const { code, out, err } = await command(["--help"]);
  assert.deepEqual([code, err], [0, ""]);
  const options = [
    "bundle",
    "threshold",
    "strong-share",
    "shares",
    "cost-weight",
    "max-cost",
    "output-tokens",
    "candidates",
    "jsonl",
    "id",
    "tier",
    "role",
    "json",
    "help",
    "version",
  ];
  for (const option of options) assert.match(out, new RegExp(`--${option}\\b`), option);
  assert.match(out, /Exit codes: 0 .*1 .*2 /);
  assert.ok(
    out.split("\n").every((line) => line.length <= 100),
    "lines are at most 100 characters long",
  );
  assert.equal((await command(["--version"])).out, `${readJson(join(PACKAGE, "package.json")).version}\n`);
  assert.equal((await command(["-h"])).out, out);
});
