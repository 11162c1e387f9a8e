import type { Decision, Policy } from "./decision.js";
import type { Router } from "./router.js";
import type { RouterWorker } from "./worker.js";

/** What an adapter decides with. */
export type AnyRouter = Pick<Router, "route" | "routeBatch" | "info"> | Pick<RouterWorker, "route" | "routeBatch" | "info">;

/** What every adapter takes. */
export interface AdapterOptions {
  /** How to decide; the bundle's default where absent. It is checked at once. */
  policy?: Policy;
  /**
   * The candidate for a conversation without text to rate, such as a lone image. Without it, such a
   * conversation fails with `messages_without_text` or `query_empty`.
   */
  withoutText?: string;
  /** Hears of each decision, before the call goes out. What it throws fails the call. */
  onDecision?: (decision: Decision) => void;
}
