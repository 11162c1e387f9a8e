/** The bytes of a file. */
export type Bytes = Uint8Array | ArrayBuffer | Blob;

/**
 * Where a bundle comes from: a folder's URL ending in "/", a URL ending in ".tar", the bytes of
 * such a tar, or the bundle's files by name ("router.json", "model.onnx", "tokenizer.json",
 * for the memory kinds "memory.bin"). In Node also a path or a `file:` URL.
 */
export type BundleSource = string | URL | Bytes | Record<string, Bytes>;

export interface LoadOptions {
  /** Gives up loading; `load` rejects with the signal's reason. */
  signal?: AbortSignal;
  /** The engine's wasm, where it is not beside this package. Only the first load uses it. */
  wasm?: string | URL | Response | ArrayBuffer | Uint8Array | WebAssembly.Module;
  /**
   * How many answers to remember, so that a query asked again costs a look-up; 0 for none. By
   * default 256, in Workers 0: where tenants share a router, the time of an answer would tell one
   * of them whether another has asked the same.
   */
  cache?: number;
}

/** A message of a conversation, as OpenAI's chat format has it. Other fields are ignored. */
export interface Message {
  role: string;
  content?: string | null | ReadonlyArray<{ type?: string; text?: string | null }>;
}

/** How to decide. Without a field, the bundle's default share of strong calls. */
export interface Policy {
  /** In [0, 1]: strong if and only if win rate >= threshold. */
  threshold?: number;
  /** Share of strong calls in [0, 1], by the bundle's calibration. */
  strongShare?: number;
  /** Most USD that the request may cost by estimate. */
  maxCost?: number;
  /** Score given up per USD: the best `score - costWeight * cost` is chosen. */
  costWeight?: number;
  /** The candidates allowed; all of the bundle's where absent. */
  candidates?: readonly string[];
  /** Output tokens to estimate costs with. */
  outputTokens?: number;
  /** Tokens of all that the LLM will read, for costs and context windows; the query's where absent. */
  inputTokens?: number;
  /** How far in [0, 1] a conversation's rating falls towards an easier turn; 0.3 where absent. */
  fall?: number;
}

export interface CandidateScore {
  model: string;
  /** Expected quality in [0, 1]. */
  score: number;
  /** USD, where the bundle states prices. */
  estimatedCost?: number;
}

export interface Decision {
  /** The chosen candidate. */
  model: string;
  reason: "above_threshold" | "below_threshold" | "best_score" | "only_candidate";
  /** Estimated probability that the strong candidate beats the weak one, in [0, 1]. */
  winRate?: number;
  /** The threshold used, in [0, 1]. */
  threshold?: number;
  /** Every candidate of the bundle, in its order. */
  scores: CandidateScore[];
  /** Tokens of the query, by the bundle's tokenizer. */
  tokens: number;
  /** USD for the chosen candidate, where the bundle states prices. */
  estimatedCost?: number;
}

/** router.json. Further fields are there as the bundle has them. */
export interface BundleInfo {
  format: number;
  name: string;
  kind: string;
  candidates: Array<{
    id: string;
    /** USD per million tokens. */
    input_price?: number;
    /** USD per million tokens. */
    output_price?: number;
    prices_as_of?: string;
    context_window?: number;
  }>;
  encoder: {
    tier: string;
    max_tokens: number;
    truncation_side: "left" | "right";
    pooling: string;
    embedding_size: number;
    special_tokens: boolean;
    source?: string;
  };
  head: {
    strong?: string;
    weak?: string;
    default_strong_share?: number;
    /** sw-ranking: base of the similarity weights. */
    gamma?: number;
    /** sw-ranking: tier of each candidate, from 0, the strongest. */
    tiers?: number[];
    /** knn: how many neighbours count. */
    neighbours?: number;
    /** random: seed of its draws. */
    seed?: number;
  };
  calibration?: { quantiles: number[]; sample: string; rows: number };
  metrics: Array<{
    dataset: string;
    metric: string;
    value: number;
    rows: number;
    removed_as_leaks: number;
    held_out: boolean;
  }>;
  [field: string]: unknown;
}

/** Whatever goes wrong, with a stable code such as `query_empty` or `bundle_wrong_hash`. */
export class RouterError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: { cause?: unknown });
}

/**
 * Decides which LLM answers a query, in this process.
 *
 * ```js
 * const router = await Router.load("https://example.com/bundle/");
 * const { model, winRate } = router.route("Prove it.", { strongShare: 0.5 });
 * ```
 */
export class Router {
  private constructor();
  /** Reads a bundle and checks it. Rejects with a {@link RouterError}. */
  static load(source: BundleSource, options?: LoadOptions): Promise<Router>;
  /** Decides. Throws a {@link RouterError}. */
  route(
    input: string | readonly Message[] | { query: string } | { messages: readonly Message[] },
    policy?: Policy,
  ): Decision;
  /** The query's embedding. Throws a {@link RouterError}. */
  embed(query: string): Float32Array;
  /** What the bundle says of itself. */
  info(): BundleInfo;
  /** Gives the router's memory back. Calling it again does nothing. */
  free(): void;
  [Symbol.dispose](): void;
}
