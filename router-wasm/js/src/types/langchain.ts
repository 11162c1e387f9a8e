import type { BaseLanguageModelInput } from "@langchain/core/language_models/base";
import type { Runnable } from "@langchain/core/runnables";

import type { AdapterOptions } from "./adapter.js";

export interface RoutedRunnableOptions<Output> extends AdapterOptions {
  /** A chat model, or another Runnable that takes its input, for each candidate that the policy may choose, by its id. */
  models: Record<string, Runnable<BaseLanguageModelInput, Output>>;
}
