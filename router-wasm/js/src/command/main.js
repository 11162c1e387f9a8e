// Runs the command: reads the arguments, writes decisions to the given streams, returns an exit code.

import { once } from "node:events";
import { createReadStream } from "node:fs";
import { text } from "node:stream/consumers";

import { messageOf } from "../describe.js";
import { Router, RouterError } from "../entry/node/index.js";
import { VERSION } from "../version.js";
import { argumentsOf, HELP, UsageError } from "./arguments.js";
import { fitModel } from "./fit-model.js";
import { GATEWAY_COMMANDS, runGateway } from "./gateway.js";
import { linesOf } from "./lines.js";

/** @import { Decision, Policy } from "../types/decision.js" */

/** @typedef {Pick<NodeJS.Process, "stdin" | "stdout" | "stderr">} Streams */

const DONE = 0;
const A_QUERY_FAILED = 1;
/** No query was routed: wrong arguments, or a bundle or input that cannot be read. */
const USAGE = 2;

/**
 * @param {string[]} words
 * @param {Streams} streams
 * @returns {Promise<number>} the exit code
 */
export async function main(words, streams) {
  const [command] = words;
  if (command !== undefined && GATEWAY_COMMANDS.includes(command)) return runGateway(words);
  let given;
  let router;
  try {
    given = argumentsOf(words);
    if ("print" in given) return await writeLine(streams.stdout, given.print === "help" ? HELP : VERSION);
    router = await Router.load(given.bundle);
    if ("fit" in given)
      return await writeLine(streams.stdout, JSON.stringify(await fitModel(router, given.fit, streams.stdin)));
    // An empty batch checks the policy.
    router.routeBatch([], given.policy);
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof RouterError)) throw error;
    const hint = error instanceof UsageError ? "\nTry pointsman --help" : "";
    await writeLine(streams.stderr, `pointsman: ${error.message}${hint}`);
    return USAGE;
  }
  return given.jsonl === undefined ? routeOne(router, given, streams) : routeLines(router, given, streams);
}

/**
 * @param {Router} router
 * @param {{query: string, policy: Policy, json?: boolean}} given
 * @param {Streams} streams
 */
async function routeOne(router, { query, policy, json }, { stdin, stdout, stderr }) {
  try {
    const decision = router.route(query === "-" ? await text(stdin) : query, policy);
    return await writeLine(stdout, json ? JSON.stringify(decision) : readable(decision));
  } catch (error) {
    if (!(error instanceof RouterError)) throw error;
    await writeLine(stderr, `pointsman: ${error.message} (${error.code})`);
    return A_QUERY_FAILED;
  }
}

/**
 * Writes one line for each line that is not blank, in the same order.
 * @param {Router} router
 * @param {{jsonl: string, policy: Policy}} given
 * @param {Streams} streams
 */
async function routeLines(router, { jsonl, policy }, { stdin, stdout, stderr }) {
  const input = jsonl === "-" ? stdin : createReadStream(jsonl);
  let code = DONE;
  try {
    for await (const { number, line } of linesOf(input)) {
      if (line.trim() === "") continue;
      const answer = routeLine(router, line, policy);
      await writeLine(stdout, JSON.stringify(answer));
      if (!answer.error) continue;
      await writeLine(stderr, `pointsman: line ${number}: ${answer.error.message} (${answer.error.code})`);
      code = A_QUERY_FAILED;
    }
  } catch (error) {
    // Only a failed read names a system call; a directory fails at its first read.
    const { code: why, syscall } = /** @type {NodeJS.ErrnoException} */ (error);
    if (syscall === undefined) throw error;
    await writeLine(
      stderr,
      `pointsman: ${jsonl} could not be read: ${why}. Expected a file with one JSON object per line`,
    );
    return USAGE;
  }
  return code;
}

/**
 * @param {Router} router
 * @param {string} line
 * @param {Policy} policy
 */
function routeLine(router, line, policy) {
  let id;
  try {
    const row = objectIn(line);
    id = row.id;
    const { query, messages } = row;
    return { id, ...router.route({ query, messages }, policy) };
  } catch (error) {
    if (!(error instanceof RouterError)) throw error;
    return { id, error: { code: error.code, message: error.message } };
  }
}

/**
 * @param {string} line
 * @returns {Record<string, any>}
 */
function objectIn(line) {
  const expected = 'expected an object such as {"query": "..."} or {"messages": [...]}';
  let row;
  try {
    row = JSON.parse(line);
  } catch (cause) {
    throw new RouterError("request_ill_formed", `the line is not JSON: ${messageOf(cause)}; ${expected}`, { cause });
  }
  if (typeof row === "object" && row !== null && !Array.isArray(row)) return row;
  throw new RouterError("request_ill_formed", `the line is not a JSON object: ${expected}`);
}

/** @param {Decision} decision */
function readable({ model, reason, winRate, threshold, tokens, ratedTokens, estimatedCost }) {
  const digits = (/** @type {number | undefined} */ value) => value?.toFixed(4);
  /** @type {[string, string | number | undefined][]} */
  const rows = [
    ["model", model],
    ["reason", reason.replaceAll("_", " ")],
    ["win rate", digits(winRate)],
    ["threshold", digits(threshold)],
    ["tokens", ratedTokens < tokens ? `${tokens}, ${ratedTokens} of them rated` : tokens],
    ["cost", estimatedCost === undefined ? undefined : `${estimatedCost.toPrecision(3)} USD, estimated`],
  ];
  const there = rows.filter(([, value]) => value !== undefined);
  return there.map(([name, value]) => `${name.padEnd(11)}${value}`).join("\n");
}

/**
 * Writes a line, waits until the stream takes more, and returns the exit code of success.
 * @param {NodeJS.WritableStream} stream
 * @param {string} line
 */
async function writeLine(stream, line) {
  if (!stream.write(`${line}\n`)) await once(stream, "drain");
  return DONE;
}
