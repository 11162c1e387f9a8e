// What "pointsman" exports on every runtime. Types have no JavaScript, so that the entries cannot export them.

export type {
  BundleBytes,
  BundleFile,
  BundleInfo,
  BundleSource,
  Bytes,
  Candidate,
  CostQuality,
  Metric,
} from "../types/bundle.js";
export type { Ability, AbilityPrior, Outcome, OwnCandidate } from "../types/candidates.js";
export type { BatchResult, CandidateScore, Decision, Policy } from "../types/decision.js";
export type { RouterErrorCode } from "../types/error-code.js";
export type { LoadBundleOptions, LoadOptions, LoadProgress, WasmSource } from "../types/load.js";
export type { ContentPart, Message, RouteInput } from "../types/query.js";
export * from "./browser/index.js";
