import type { RouterError } from "../error.js";
import type { LoadOptions } from "./load.js";

/**
 * How to decide. An empty policy takes the bundle's default share of strong calls
 * (`info().head.default_strong_share`), or the best score where the bundle has none.
 *
 * `strongShare`, `shares`, `threshold` and `costWeight` exclude each other.
 */
export interface Policy {
  /**
   * Share of strong calls, in [0, 1], turned into a threshold by the bundle's calibration, or with
   * {@link LoadOptions.learnShares} by the router's own traffic.
   */
  strongShare?: number;
  /**
   * The share of each candidate's calls, by its id; they sum to 1. The queries with the highest win rates
   * go to the ablest candidate. Candidates that are not named are not chosen; in place of one that the
   * constraints exclude, the next abler one answers.
   */
  shares?: Record<string, number>;
  /**
   * Alpha, in [0, 1]: the strong candidate if and only if the win rate is at least alpha. Bundles differ
   * in their win rates: prefer a share, which means the same with each.
   */
  threshold?: number;
  /** Highest estimated cost of the request in USD, at least 0. Candidates above it are excluded. */
  maxCost?: number;
  /** Score given up per USD, at least 0: the best `score - costWeight * cost` is chosen. */
  costWeight?: number;
  /** The candidates allowed, by id; all of the bundle's where absent. */
  candidates?: readonly string[];
  /**
   * Output tokens to estimate costs with, a whole number; 256 where absent. A context window must hold
   * 256 of them beside the input, or fewer if these are fewer.
   */
  outputTokens?: number;
  /**
   * Tokens of all that the LLM will read (system prompt, history, documents), a whole number, for
   * costs and context windows; the rated text's where absent.
   */
  inputTokens?: number;
  /**
   * Fraction of the way, in [0, 1], that an easier turn moves a conversation's rating towards its own;
   * 0.3 where absent. With 1 only the last turn counts.
   */
  turnDecay?: number;
}

/** A candidate's score and cost for one query. */
export interface CandidateScore {
  /** The candidate's id. */
  model: string;
  /** Expected quality, in [0, 1]. */
  score: number;
  /** USD, where the bundle states the candidate's prices. */
  estimatedCost?: number;
}

/** Which LLM answers, and why. */
export interface Decision {
  /** The chosen candidate's id. */
  model: string;
  /**
   * - `above_threshold`: the strong candidate, since the win rate reaches the threshold
   * - `below_threshold`: the weak candidate, since the win rate is below the threshold
   * - `best_score`: the best score, less its weighted cost, among the candidates allowed
   * - `by_share`: the candidate in whose share of the traffic the win rate lies, or the next abler one left
   * - `only_candidate`: the only candidate that meets the constraints
   */
  reason: "above_threshold" | "below_threshold" | "best_score" | "by_share" | "only_candidate";
  /** Estimated probability that the strong candidate beats the weak one, in [0, 1]; absent without such a pair. */
  winRate?: number;
  /**
   * The threshold used, in [0, 1]; absent where the decision was not by threshold. With `by_share` the win
   * rate from which on queries are the chosen candidate's.
   */
  threshold?: number;
  /** What the threshold is from: the policy itself, or a share by the bundle's calibration or by the router's own traffic. */
  thresholdFrom?: "policy" | "bundle" | "traffic";
  /** Every candidate of the bundle, in its order. */
  scores: CandidateScore[];
  /**
   * Tokens of the query's whole text, by the bundle's tokenizer, and at least one in eight bytes. Costs and context
   * windows are computed with them unless the policy states `inputTokens`.
   */
  tokens: number;
  /** Tokens of the text that the router read: fewer than `tokens` where a part of a long text was left out. */
  ratedTokens: number;
  /** USD for the chosen candidate, where the bundle states its prices. */
  estimatedCost?: number;
}

/** One row of a batch: a decision, or this input's error. */
export type BatchResult = { decision: Decision; error?: undefined } | { decision?: undefined; error: RouterError };
