// Parses the command's arguments; holds its help text.

import { parseArgs } from "node:util";

export class UsageError extends Error {}

export const HELP = `Decides which LLM should answer a query, in this process: no network, no key.

Usage:
  pointsman [options] QUERY            decide on one query
  pointsman [options] -                decide on the query in standard input
  pointsman [options] --jsonl FILE     decide on each line of a file; - for standard input

With --jsonl each line is a JSON object with "query" or "messages", and optionally an "id". Each
gives one line in the same order: the decision, or {"error": {code, message}}, with the "id".

Options:
  --bundle PATH           a bundle's folder, .tar, .bin or URL (default: the package's own bundle)
  --threshold N           the strong model if the win rate is at least N, in [0, 1]
  --strong-share N        share of strong calls, in [0, 1], by the bundle's calibration
  --cost-weight N         score given up per USD, 0 or more: the best score - N * cost is chosen
  --max-cost USD          exclude candidates whose estimated cost is above this
  --output-tokens N       output tokens for cost estimates (default: 256)
  --candidates ID[,ID]    the candidates allowed; may be repeated
  --json                  print the decision as JSON
  -h, --help              print this
  -V, --version           print the version

Exit codes: 0 all queries decided; 1 a query failed; 2 wrong usage, or unreadable bundle or input.`;

const NUMBERS = {
  threshold: "threshold",
  "strong-share": "strongShare",
  "cost-weight": "costWeight",
  "max-cost": "maxCost",
  "output-tokens": "outputTokens",
};

const OPTIONS = {
  ...Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, { type: "string" }])),
  bundle: { type: "string" },
  candidates: { type: "string", multiple: true },
  jsonl: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "V" },
};

/**
 * @param {string[]} words
 * @returns {{help?: boolean, version?: boolean, bundle?: string, policy: object, json?: boolean,
 *   jsonl?: string, query?: string}}
 */
export function argumentsOf(words) {
  let parsed;
  try {
    parsed = parseArgs({ args: words, options: OPTIONS, allowPositionals: true });
  } catch (cause) {
    throw new UsageError(cause.message, { cause });
  }
  const { values, positionals } = parsed;
  const { help, version, bundle, json, jsonl } = values;
  if (help || version) return { help, version, policy: {} };
  if (jsonl !== undefined && positionals.length > 0)
    throw new UsageError("a query and --jsonl were given: expected one of them");
  if (jsonl === undefined && positionals.length === 0) throw new UsageError("no query was given");
  if (positionals.length > 1) {
    throw new UsageError(`${positionals.length} arguments were given: expected one query; quote it`);
  }
  return { bundle, json, jsonl, policy: policyOf(values), query: positionals[0] };
}

function policyOf(values) {
  const policy = {};
  for (const [option, field] of Object.entries(NUMBERS)) {
    if (values[option] === undefined) continue;
    policy[field] = Number(values[option]);
    if (values[option].trim() === "" || !Number.isFinite(policy[field])) {
      throw new UsageError(`--${option} is ${JSON.stringify(values[option])}: expected a number`);
    }
  }
  if (policy.outputTokens !== undefined && !Number.isSafeInteger(policy.outputTokens)) {
    throw new UsageError(`--output-tokens is ${policy.outputTokens}: expected a whole number`);
  }
  const candidates = values.candidates?.flatMap((list) => list.split(","));
  return candidates ? { ...policy, candidates: candidates.map((id) => id.trim()).filter(Boolean) } : policy;
}
