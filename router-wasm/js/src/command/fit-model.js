// The command `pointsman fit-model`: fits the ability of an LLM to a file of its outcomes.

import { createReadStream } from "node:fs";

import { messageOf } from "../describe.js";
import { RouterError } from "../error.js";
import { linesOf } from "./lines.js";

/** @import { Router } from "../router.js" */
/** @import { AbilityPrior, Outcome } from "../types/candidates.js" */

/** What to fit. @typedef {{id: string, outcomes: string, prior: AbilityPrior}} Fit */

/**
 * The LLM with its ability, as option `candidates` of `Router.load` takes it.
 * @param {Router} router
 * @param {Fit} fit
 * @param {NodeJS.ReadableStream} stdin
 * @throws RouterError also `argument_outcomes` with the line's number, `file_unreadable`.
 */
export async function fitModel(router, { id, outcomes: path, prior }, stdin) {
  /** @type {Outcome[]} */
  const outcomes = [];
  try {
    for await (const { number, line } of linesOf(path === "-" ? stdin : createReadStream(path))) {
      if (line.trim() !== "") outcomes.push(outcomeIn(line, number));
    }
  } catch (cause) {
    const { code, syscall } = /** @type {NodeJS.ErrnoException} */ (cause);
    // Only a failed read names a system call.
    if (syscall === undefined) throw cause;
    const message = `${path} could not be read: ${code}. Expected a file with one outcome per line`;
    throw new RouterError("file_unreadable", message, { cause });
  }
  return { id, ability: router.fitAbility(outcomes, prior) };
}

/**
 * @param {string} line
 * @param {number} number
 * @returns {Outcome}
 */
function outcomeIn(line, number) {
  const expected = 'expected an object such as {"query": "...", "score": 0.5} with a score in [0, 1]';
  let row;
  try {
    row = JSON.parse(line);
  } catch (cause) {
    const message = `line ${number} is not JSON: ${messageOf(cause)}; ${expected}`;
    throw new RouterError("argument_outcomes", message, { cause });
  }
  const { query, score } = row ?? {};
  if (typeof query === "string" && typeof score === "number" && score >= 0 && score <= 1) return { query, score };
  throw new RouterError("argument_outcomes", `line ${number} is no outcome: ${expected}`);
}
