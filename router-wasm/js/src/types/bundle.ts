import type { Ability } from "./candidates.js";

/** The bytes of a file. */
export type Bytes = ArrayBuffer | ArrayBufferView | Blob;

/**
 * Where a bundle comes from:
 * - a folder's URL, ending in `/`;
 * - a URL of an archive (an uncompressed tar of the folder's files), ending in `.tar` or `.bin`;
 * - the bytes of such an archive;
 * - the bundle's files by name: `router.json`, `model.onnx`, `tokenizer.json`, for the memory kinds
 *   also `memory.bin`;
 * - in Node and Deno also a path, absolute or relative to the working directory.
 *
 * In a page, a relative URL is relative to the page. In a Worker, a URL must be absolute.
 */
export type BundleSource = string | URL | Bytes | Record<string, Bytes>;

/** A bundle in memory, itself a source: its files by name, or the bytes of an archive. */
export type BundleBytes = Uint8Array | Record<string, Uint8Array>;

/** An LLM that may answer. */
export interface Candidate {
  /** The model's identifier, as a host passes it to an upstream. */
  id: string;
  /** USD per million input tokens. */
  input_price?: number;
  /** USD per million output tokens. */
  output_price?: number;
  /** The day or month that the prices were read: `YYYY-MM-DD` or `YYYY-MM`. */
  prices_as_of?: string;
  /** Context window in tokens, input and output together. */
  context_window?: number;
  /** difficulty: how its quality falls with a query's demands. */
  ability?: Ability;
}

/** A file of a bundle. */
export interface BundleFile {
  /** Its name, without a folder. */
  name: string;
  /** Its length in bytes. */
  bytes: number;
  /** Its SHA-256, in lower-case hexadecimal. */
  sha256: string;
}

/** One evaluation row. */
export interface Metric {
  dataset: string;
  /** `apgr`, `cpt50`, `cpt80`, `mean_score`, ... */
  metric: string;
  /** `cpt` in percent of strong calls, the rest as the metric is defined. */
  value: number;
  /** Rows measured on. */
  rows: number;
  /** Rows left out because they were trained on. */
  removed_as_leaks: number;
  /** Whether the data set was held out from training, tuning and calibration. */
  held_out: boolean;
}

/** Quality against cost on one evaluation set. Quality is the mean score, in [0, 1]. */
export interface CostQuality {
  dataset: string;
  /** Rows measured on. */
  rows: number;
  /** Rows left out because they were trained on. */
  removed_as_leaks: number;
  /** Whether the data set was held out from training, tuning and calibration. */
  held_out: boolean;
  /** The quality of each candidate alone. */
  candidates: Array<{ id: string; quality: number }>;
  /** `[strong share, quality]` of the router, by ascending share from 0 to 1. */
  router?: Array<[share: number, quality: number]>;
  /** The same for the best possible choice at each share. */
  oracle?: Array<[share: number, quality: number]>;
  /** With several candidates: quality of the router's pick, of the best and of a random pick. */
  means?: { router: number; oracle: number; random: number };
  /** Points that publications state: performance gap recovered (`pgr`) at a share, both in [0, 1]. */
  published?: Array<{ router: string; metric: string; strong_share: number; pgr: number; source: string }>;
}

/** A bundle's description, `router.json`. Fields of later versions are passed through. */
export interface BundleInfo {
  /** 1. */
  format: number;
  name: string;
  /** The router's kind: `mf`, `ridge`, `bert`, `knn`, `sw-ranking`, `routerdc`, ... */
  kind: string;
  /** The LLMs that may answer. */
  candidates: Candidate[];
  /** How a query becomes an embedding. */
  encoder: {
    /** `static` or `transformer`. */
    tier: string;
    /** Longest sequence, special tokens included; longer queries are truncated. */
    max_tokens: number;
    /** The part of a longer query that is cut off. */
    truncation_side: "left" | "right" | "middle";
    pooling: string;
    /** Length of what `embed` returns. */
    embedding_size: number;
    special_tokens: boolean;
    /** Name and licence of the model that it was made from. */
    source?: string;
  };
  /** What the kind needs beyond the graph. */
  head: {
    /** The strong candidate of the pair that the win rate is about. */
    strong?: string;
    /** The weak candidate of the pair. */
    weak?: string;
    /** Share of strong calls without a policy, in [0, 1]. */
    default_strong_share?: number;
    /** sw-ranking: base of the similarity weights, at least 1. */
    gamma?: number;
    /** sw-ranking: Elo group of each candidate (RouteLLM's tiers), from 0, the strongest. */
    tiers?: number[];
    /** knn: how many neighbours count. */
    neighbours?: number;
    /** random: seed of its draws. */
    seed?: number;
    /** difficulty: names of a query's demands. */
    demands?: string[];
    /** difficulty: usual abilities of LLMs of a tier. */
    abilities?: { small?: Ability; medium?: Ability; large?: Ability };
  };
  /**
   * Win-rate quantiles at equal steps from 0 to 1, ascending, and the queries they come from; for difficulty the
   * demands of queries that stand for these.
   */
  calibration?: { quantiles: number[]; sample: string; rows: number; demands?: number[][] };
  /** Evaluation rows. */
  metrics: Metric[];
  /** Quality against cost, one entry an evaluation set. */
  curves?: CostQuality[];
  /** The sources that the router was trained on. */
  trained_on: Array<{
    name: string;
    /** Rows trained on. */
    rows: number;
    /** The data set's licence, an SPDX identifier where there is one. */
    licence: string;
    sha256?: string;
    /** Rows removed because an evaluation set holds the same question. */
    removed_as_leaks: number;
  }>;
  /** How the weights were made. */
  provenance?: {
    /** The trainer's version. */
    trainer: string;
    /** The recipe's name. */
    recipe: string;
    /** SHA-256 of the recipe's settings in canonical form. */
    recipe_sha256: string;
    /** The seed of every random draw. */
    seed: number;
    /** The device trained on. */
    device: string;
    /** Licence of the weights. */
    licence: string;
    /** The bundle whose answers it was trained on in place of labels. */
    teacher?: string;
  };
  /** A map of training queries to draw; no host needs it to route. */
  map?: BundleFile;
  /** The files that routing needs. */
  files: BundleFile[];
  [field: string]: unknown;
}
