/** How an LLM's quality falls with a query's demands: `sigmoid(intercept - sum(slopes[k] * demands[k]))`. */
export interface Ability {
  /** The logit of the quality where all demands are 0. */
  intercept: number;
  /** By how much the logit falls with each demand, in the order of `info().head.demands`. */
  slopes: readonly number[];
}

/** How well an LLM answered a query. */
export interface Outcome {
  query: string;
  /** The score of the answer, in [0, 1]. */
  score: number;
}

/** What is known of an LLM without its outcomes: one of these, or nothing. */
export interface AbilityPrior {
  /** The bundle's candidate that it resembles. */
  role?: string;
  /** Its tier, where the bundle states abilities of tiers. */
  tier?: "small" | "medium" | "large";
  /** An ability, such as that of its predecessor. */
  ability?: Ability;
}

/**
 * An LLM of yours. With a bundle of kind `difficulty` one of `role`, `tier` and `ability` states how able it is, or
 * its `outcomes` do; beside outcomes it is where their fit begins. With none of them it is the bundle's candidate of
 * the same name. With a bundle of another kind, `role` names the candidate that it renames.
 */
export interface OwnCandidate extends AbilityPrior {
  /** The model's identifier, which decisions state. */
  id: string;
  /** Its outcomes, to which an ability is fitted at once; see `fitAbility`. */
  outcomes?: readonly Outcome[];
  /** USD per million input tokens; like the next two, of the bundle's candidate of the same name where absent. */
  inputPrice?: number;
  /** USD per million output tokens. */
  outputPrice?: number;
  /** Context window in tokens, input and output together. */
  contextWindow?: number;
}
