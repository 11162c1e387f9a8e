import type { LanguageModelV4 } from "@ai-sdk/provider";

import type { AdapterOptions } from "./adapter.js";

export interface RoutedModelOptions extends AdapterOptions {
  /** A language model for each candidate that the policy may choose, by its id. */
  models: Record<string, LanguageModelV4>;
}
