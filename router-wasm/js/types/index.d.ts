export type { BundleFile, BundleInfo, BundleSource, Bytes, Candidate, CostQuality, Metric } from "./bundle.js";
export type { BatchResult, CandidateScore, Decision, Policy } from "./decision.js";
export type { RouterErrorCode } from "./error.js";
export { RouterError } from "./error.js";
export type { ContentPart, Message, RouteInput } from "./query.js";
export type { LoadOptions, LoadProgress, WasmSource } from "./router.js";
export { Router } from "./router.js";
