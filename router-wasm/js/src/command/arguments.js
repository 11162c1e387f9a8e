// Parses the command's arguments; holds its help text.

import { parseArgs } from "node:util";

import { messageOf } from "../describe.js";

/** @import { Policy } from "../types/decision.js" */
/** @import { AbilityPrior } from "../types/candidates.js" */
/** @import { Fit } from "./fit-model.js" */

/** What to route: a query, or the lines of a file. @typedef {{query: string, jsonl?: undefined} | {jsonl: string}} Input */
/** @typedef {{bundle?: string, policy: Policy, json?: boolean} & Input} Task */
/** An ability to fit. @typedef {{bundle: string, fit: Fit}} FitTask */
/** A text to print. @typedef {{print: "help" | "version"}} Print */

export class UsageError extends Error {}

export const HELP = `Decides which LLM should answer a query, in this process: no network, no key.

Usage:
  pointsman [options] QUERY            decide on one query
  pointsman [options] -                decide on the query in standard input
  pointsman [options] --jsonl FILE     decide on each line of a file; - for standard input
  pointsman fit-model BUNDLE FILE --id NAME [--tier TIER | --role ID]
                                       fit an LLM's ability to its outcomes; - for standard input
  pointsman serve | doctor             run the gateway on this machine, or check what it needs
  pointsman claude | codex | opencode  run a coding agent behind the gateway

With --jsonl each line is a JSON object with "query" or "messages", and optionally an "id". Each
gives one line in the same order: the decision, or {"error": {code, message}}, with the "id".

fit-model reads one {"query": ..., "score": ...} per line, an LLM's scores in [0, 1] on some 100 to
300 queries, and prints {"id", "ability"} for the option "candidates" and the gateway's UPSTREAMS.
The bundle is of kind "difficulty".

serve, doctor, claude, codex and opencode are commands of the package pointsman-gateway, which npx
fetches unless it is installed: pointsman serve --help. As a query such a word stands behind --.

Options:
  --bundle PATH           a bundle's folder, .tar, .bin or URL (default: the package's own bundle)
  --threshold N           the strong model if the win rate is at least N, in [0, 1]
  --strong-share N        share of strong calls, in [0, 1], by the bundle's calibration
  --shares ID=N[,ID=N]    share of each model's calls, in [0, 1] and 1 in all; may be repeated
  --cost-weight N         score given up per USD, 0 or more: the best score - N * cost is chosen
  --max-cost USD          exclude candidates whose estimated cost is above this
  --output-tokens N       output tokens for cost estimates (default: 256)
  --candidates ID[,ID]    the candidates allowed; may be repeated
  --json                  print the decision as JSON
  --id NAME               fit-model: the LLM's name
  --tier TIER, --role ID  fit-model: begin with a tier (small, medium, large) or a candidate
  -h, --help              print this
  -V, --version           print the version

Exit codes: 0 all queries decided; 1 a query failed; 2 wrong usage, or unreadable bundle or input.`;

/** The policy's field of each option that is a number. */
const NUMBERS = /** @type {const} */ ({
  threshold: "threshold",
  "strong-share": "strongShare",
  "cost-weight": "costWeight",
  "max-cost": "maxCost",
  "output-tokens": "outputTokens",
});

const OPTIONS = /** @type {const} */ ({
  threshold: { type: "string" },
  "strong-share": { type: "string" },
  shares: { type: "string", multiple: true },
  "cost-weight": { type: "string" },
  "max-cost": { type: "string" },
  "output-tokens": { type: "string" },
  bundle: { type: "string" },
  candidates: { type: "string", multiple: true },
  jsonl: { type: "string" },
  id: { type: "string" },
  tier: { type: "string" },
  role: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "V" },
});

/**
 * @param {string[]} words
 * @returns {Task | FitTask | Print}
 */
export function argumentsOf(words) {
  let parsed;
  try {
    parsed = parseArgs({ args: words, options: OPTIONS, allowPositionals: true });
  } catch (cause) {
    throw new UsageError(messageOf(cause), { cause });
  }
  const { values, positionals } = parsed;
  const { help, version, bundle, json, jsonl } = values;
  if (help) return { print: "help" };
  if (version) return { print: "version" };
  const [query, ...others] = positionals;
  // A query is one word: of several, the first is a command.
  if (query === "fit-model" && others.length > 0) return fitOf(others, values);
  for (const option of FIT_OPTIONS) {
    if (values[option] !== undefined) throw new UsageError(`--${option} is an option of fit-model alone`);
  }
  if (jsonl !== undefined) {
    if (query !== undefined) throw new UsageError("a query and --jsonl were given: expected one of them");
    return { bundle, json, jsonl, policy: policyOf(values) };
  }
  if (query === undefined) throw new UsageError("no query was given");
  if (others.length > 0) {
    throw new UsageError(`${positionals.length} arguments were given: expected one query; quote it`);
  }
  return { bundle, json, query, policy: policyOf(values) };
}

const FIT_OPTIONS = /** @type {const} */ (["id", "tier", "role"]);

/**
 * @param {string[]} words
 * @param {Record<string, unknown> & {id?: string, tier?: string, role?: string}} values
 * @returns {FitTask}
 */
function fitOf([bundle, outcomes, ...others], { id, tier, role, ...rest }) {
  const usage = "expected fit-model BUNDLE FILE --id NAME [--tier TIER | --role ID]";
  const [other] = Object.keys(rest);
  if (other !== undefined) throw new UsageError(`--${other} is no option of fit-model: ${usage}`);
  if (bundle === undefined || outcomes === undefined || others.length > 0) {
    throw new UsageError(`fit-model was given other words than a bundle and a file: ${usage}`);
  }
  if (!id) throw new UsageError(`fit-model was given no --id: ${usage}`);
  // The engine refuses unknown tiers, and a tier beside a role.
  return { bundle, fit: { id, outcomes, prior: /** @type {AbilityPrior} */ ({ tier, role }) } };
}

/**
 * @param {{[option in keyof typeof NUMBERS]?: string} & {candidates?: string[], shares?: string[]}} values
 * @returns {Policy}
 */
function policyOf(values) {
  /** @type {Policy} */
  const policy = {};
  for (const option of /** @type {(keyof typeof NUMBERS)[]} */ (Object.keys(NUMBERS))) {
    const text = values[option];
    if (text === undefined) continue;
    policy[NUMBERS[option]] = numberIn(text, `--${option}`);
  }
  if (policy.outputTokens !== undefined && !Number.isSafeInteger(policy.outputTokens)) {
    throw new UsageError(`--output-tokens is ${policy.outputTokens}: expected a whole number`);
  }
  if (values.shares) policy.shares = sharesOf(values.shares);
  const candidates = values.candidates?.flatMap((list) => list.split(","));
  return candidates ? { ...policy, candidates: candidates.map((id) => id.trim()).filter(Boolean) } : policy;
}

/**
 * Each model's share; the engine refuses unknown models and shares that do not sum to 1.
 * @param {string[]} lists
 * @returns {Record<string, number>}
 */
function sharesOf(lists) {
  /** @type {Map<string, number>} */
  const shares = new Map();
  for (const part of lists.flatMap((list) => list.split(","))) {
    if (part.trim() === "") continue;
    // A model's name may contain "=".
    const end = part.lastIndexOf("=");
    const id = part.slice(0, Math.max(end, 0)).trim();
    if (id === "") {
      throw new UsageError(`--shares has ${JSON.stringify(part)}: expected ID=N, such as large=0.2,small=0.8`);
    }
    if (shares.has(id)) throw new UsageError(`--shares names ${JSON.stringify(id)} twice: expected each model once`);
    shares.set(id, numberIn(part.slice(end + 1), `--shares of ${JSON.stringify(id)}`));
  }
  return Object.fromEntries(shares);
}

/**
 * @param {string} text
 * @param {string} name
 */
function numberIn(text, name) {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new UsageError(`${name} is ${JSON.stringify(text)}: expected a number`);
}
