// Turns a host's own LLMs and their outcomes into the engine's JSON. Checks what JSON would hide: wrong types,
// NaN (which JSON turns into null) and lone surrogates; the engine checks the rest.

import { describe } from "./describe.js";
import { RouterError } from "./error.js";
import { wellFormed } from "./request.js";

/** @import { AbilityPrior, Outcome, OwnCandidate } from "./types/candidates.js" */

/**
 * The JSON of the options `candidates`, `strong` and `weak` of a `load`; nothing where none is given.
 * @param {{candidates?: readonly OwnCandidate[], strong?: string, weak?: string}} options
 * @returns {string | undefined}
 */
export function candidatesJson({ candidates, strong, weak }) {
  if (candidates === undefined) {
    if (strong === undefined && weak === undefined) return undefined;
    throw new RouterError("argument_options", 'options "strong" and "weak" need option "candidates": give it too');
  }
  if (!Array.isArray(candidates)) {
    const message = `option "candidates" is ${describe(candidates)}: expected a list such as [{id: "my-model", tier: "large"}]`;
    throw new RouterError("argument_options", message);
  }
  for (const [at, own] of candidates.entries()) {
    const where = `candidates[${at}]`;
    if (typeof own !== "object" || own === null || typeof own.id !== "string") {
      const found =
        typeof own === "object" && own !== null ? `an object whose id is ${describe(own.id)}` : describe(own);
      throw new RouterError("argument_options", `option "${where}" is ${found}: expected an object with an id`);
    }
    for (const field of /** @type {const} */ (["inputPrice", "outputPrice", "contextWindow"])) {
      checkedNumber(own[field], `option "${where}.${field}"`, "argument_options");
    }
    checkedAbility(own.ability, `option "${where}.ability"`);
    if (own.outcomes !== undefined) checkedOutcomes(own.outcomes, `option "${where}.outcomes"`);
  }
  return JSON.stringify({ candidates, strong, weak });
}

/**
 * The JSON of an LLM's outcomes.
 * @param {readonly Outcome[]} outcomes
 */
export function outcomesJson(outcomes) {
  checkedOutcomes(outcomes, "the list of outcomes");
  return JSON.stringify(outcomes);
}

/**
 * The JSON of where a fit begins.
 * @param {AbilityPrior} prior
 */
export function priorJson(prior) {
  if (typeof prior !== "object" || prior === null) {
    const message = `fitAbility()'s prior is ${describe(prior)}: expected {tier}, {role} or {ability}`;
    throw new RouterError("argument_options", message);
  }
  checkedAbility(prior.ability, 'option "ability"');
  return JSON.stringify(prior);
}

/**
 * @param {unknown} outcomes
 * @param {string} what
 */
function checkedOutcomes(outcomes, what) {
  if (!Array.isArray(outcomes)) {
    throw new RouterError("argument_outcomes", `${what} is ${describe(outcomes)}: expected [{query, score}]`);
  }
  for (const [at, outcome] of outcomes.entries()) {
    if (typeof outcome !== "object" || outcome === null) {
      throw new RouterError("argument_outcomes", `outcome ${at} is ${describe(outcome)}: expected {query, score}`);
    }
    wellFormed(outcome.query, `outcome ${at}`);
    if (typeof outcome.score !== "number") {
      const message = `the score of outcome ${at} is ${describe(outcome.score)}: expected a number in [0, 1]`;
      throw new RouterError("argument_outcomes", message);
    }
    checkedNumber(outcome.score, `the score of outcome ${at}`, "argument_outcomes");
  }
}

/**
 * @param {unknown} ability
 * @param {string} what
 */
function checkedAbility(ability, what) {
  if (ability === undefined) return;
  const { intercept, slopes } = /** @type {{intercept?: unknown, slopes?: unknown}} */ (ability ?? {});
  if (!Array.isArray(slopes)) {
    throw new RouterError("argument_options", `${what} is ${describe(ability)}: expected {intercept, slopes}`);
  }
  for (const number of [intercept, ...slopes]) checkedNumber(number, `a number of ${what}`, "argument_options");
}

/**
 * @param {unknown} value
 * @param {string} what
 * @param {"argument_options" | "argument_outcomes"} code
 */
function checkedNumber(value, what, code) {
  if (value === undefined || Number.isFinite(value)) return;
  throw new RouterError(code, `${what} is ${describe(value)}: expected a finite number`);
}
