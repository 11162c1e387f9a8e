// Prices and bills. Prices are USD per million tokens.

/** @import { Candidate } from "pointsman" */

const MILLION = 1e6;

/**
 * @typedef {{input?: number, output?: number}} Price USD per million tokens
 * @typedef {{inputTokens: number, outputTokens: number}} Lengths of a query and its answer
 */

/**
 * USD of one answer, or undefined where a price is unknown.
 * @param {Pick<Candidate, "input_price" | "output_price">} candidate
 * @param {Lengths} lengths
 */
export function costOf({ input_price: input, output_price: output }, { inputTokens, outputTokens }) {
  if (input === undefined || output === undefined) return undefined;
  return (input * inputTokens + output * outputTokens) / MILLION;
}

/**
 * A month's USD where each candidate gets a share of the queries.
 * @param {Pick<Candidate, "id" | "input_price" | "output_price">[]} candidates of router.json
 * @param {Record<string, number>} shares by candidate, adding up to 1
 * @param {{queries: number} & Lengths} usage
 * @returns {number | undefined} undefined where a price that counts is unknown
 */
export function monthlyBill(candidates, shares, usage) {
  let bill = 0;
  for (const candidate of candidates) {
    const share = shares[candidate.id] ?? 0;
    if (share === 0) continue;
    const cost = costOf(candidate, usage);
    if (cost === undefined) return undefined;
    bill += cost * share * usage.queries;
  }
  return bill;
}

/**
 * router.json with the user's own prices; `undefined` removes a price.
 * @template {{candidates: Candidate[]}} Manifest
 * @param {Manifest} manifest
 * @param {Record<string, Price>} prices by candidate
 * @returns {Manifest}
 */
export function withPrices(manifest, prices) {
  const candidates = manifest.candidates.map((candidate) => {
    const own = prices[candidate.id];
    if (!own) return candidate;
    const { input_price: _, output_price: __, prices_as_of: ___, ...rest } = candidate;
    return {
      ...rest,
      ...(own.input === undefined ? {} : { input_price: own.input }),
      ...(own.output === undefined ? {} : { output_price: own.output }),
    };
  });
  return { ...manifest, candidates };
}
