import type { BaseLanguageModelInput } from "@langchain/core/language_models/base";
import type { Runnable } from "@langchain/core/runnables";

import type { AdapterOptions, AnyRouter } from "./types/adapter.js";

export type { RouterErrorCode } from "./types/error.js";
export { RouterError } from "./types/error.js";
export type { AdapterOptions, AnyRouter };

export interface RoutedRunnableOptions<Output> extends AdapterOptions {
  /** A chat model, or another Runnable that takes its input, for each candidate that the policy may choose, by its id. */
  models: Record<string, Runnable<BaseLanguageModelInput, Output>>;
}

/**
 * A Runnable of LangChain that hands each input (a text, messages, a prompt value) to the chosen
 * candidate's chat model; it invokes, streams and batches as that model does. The texts of human
 * messages are rated.
 *
 * The Runnable is not a chat model: bind tools or structured output to each model before passing it.
 *
 * @throws RouterError `argument_router`, `argument_models`, `argument_options`, `argument_policy`, any
 * `policy_*`. With a RouterWorker, the first call rejects with the errors that need the bundle.
 *
 * @example
 * ```js
 * const model = routedRunnable(router, { models: { strong: gpt, weak: mixtral } });
 * const chain = prompt.pipe(model).pipe(new StringOutputParser());
 * ```
 */
export declare function routedRunnable<Output>(
  router: AnyRouter,
  options: RoutedRunnableOptions<Output>,
): Runnable<BaseLanguageModelInput, Output>;
