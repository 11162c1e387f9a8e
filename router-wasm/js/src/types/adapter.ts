import type { Router } from "../router.js";
import type { RouterWorker } from "../thread/router-worker.js";
import type { Decision, Policy } from "./decision.js";

/** The router of an adapter. */
export type AnyRouter =
  | Pick<Router, "route" | "routeBatch" | "info">
  | Pick<RouterWorker, "route" | "routeBatch" | "info">;

/** Options of every adapter. */
export interface AdapterOptions {
  /** How to decide; the bundle's default where absent. Checked when the adapter is created. */
  policy?: Policy;
  /**
   * The candidate for a conversation without text to rate, such as a lone image. Without it, such a
   * conversation fails with `messages_without_text` or `query_empty`.
   */
  withoutText?: string;
  /** Called with each decision, before the call is sent. If it throws, the call fails. */
  onDecision?: (decision: Decision) => void;
}
