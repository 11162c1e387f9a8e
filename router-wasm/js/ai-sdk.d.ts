import type { LanguageModelV4 } from "@ai-sdk/provider";

import type { AdapterOptions, AnyRouter } from "./types/adapter.js";

export type { RouterErrorCode } from "./types/error.js";
export { RouterError } from "./types/error.js";
export type { AdapterOptions, AnyRouter };

export interface RoutedModelOptions extends AdapterOptions {
  /** A language model for each candidate that the policy may choose, by its id. */
  models: Record<string, LanguageModelV4>;
}

/**
 * A language model of the AI SDK (provider specification v4, `ai` 7) that hands each call, streaming or
 * not, with its tools and settings, to the chosen candidate's model.
 *
 * The texts of user messages are rated, so all steps of a tool loop go to the same model. The decision
 * is in `providerMetadata.pointsman` of the result, or of a stream's last part. `supportedUrls` holds the
 * patterns that all the models accept.
 *
 * A call whose query the router refuses rejects with a `RouterError`.
 *
 * @throws RouterError `argument_router`, `argument_models`, `argument_options`, `argument_policy`, any
 * `policy_*`. With a RouterWorker, the first call rejects with the errors that need the bundle.
 *
 * @example
 * ```js
 * const model = routedModel(router, {
 *   models: { "gpt-4-1106-preview": openai("gpt-5"), "mistralai/Mixtral-8x7B-Instruct-v0.1": openai("gpt-5-nano") },
 * });
 * const { text } = await generateText({ model, prompt: "Prove it." });
 * ```
 */
export declare function routedModel(router: AnyRouter, options: RoutedModelOptions): LanguageModelV4;
