// A Runnable of LangChain that hands each input to the chosen candidate's chat model.

import { coerceMessageLikeToMessage } from "@langchain/core/messages";
import { RunnableLambda } from "@langchain/core/runnables";

import { describe } from "../describe.js";
import { RouterError } from "../error.js";
import { chooser, userTexts } from "./chooser.js";

/** @import { BaseLanguageModelInput } from "@langchain/core/language_models/base" */
/** @import { BasePromptValueInterface } from "@langchain/core/prompt_values" */
/** @import { Runnable } from "@langchain/core/runnables" */
/** @import { AnyRouter } from "../types/adapter.js" */
/** @import { RoutedRunnableOptions } from "../types/langchain.js" */

export { RouterError };

const CALLER = "routedRunnable()";

/**
 * A Runnable of LangChain that hands each input (a text, messages, a prompt value) to the chosen
 * candidate's chat model; it invokes, streams and batches as that model does. The texts of human
 * messages are rated.
 *
 * The Runnable is not a chat model: bind tools or structured output to each model before passing it.
 *
 * @template Output
 * @param {AnyRouter} router
 * @param {RoutedRunnableOptions<Output>} options
 * @returns {Runnable<BaseLanguageModelInput, Output>}
 * @throws RouterError `argument_router`, `argument_models`, `argument_options`, `argument_policy`, any
 * `policy_*`. With a RouterWorker, the first call rejects with the errors that need the bundle.
 *
 * @example
 * ```js
 * const model = routedRunnable(router, { models: { large: gpt, small: mini } });
 * const chain = prompt.pipe(model).pipe(new StringOutputParser());
 * ```
 */
export function routedRunnable(router, options) {
  const choose = chooser(router, options, { caller: CALLER, every: true });
  const { models } = options;
  for (const [id, model] of Object.entries(models)) {
    if (typeof model?.invoke === "function" && typeof model.stream === "function") continue;
    const message = `${CALLER}: models["${id}"] is ${describe(model)}: expected a chat model or another Runnable`;
    throw new RouterError("argument_models", message);
  }
  // A Runnable that a RunnableLambda returns is run on the same input, streaming too.
  return RunnableLambda.from(async (/** @type {BaseLanguageModelInput} */ input) => {
    const { model } = await choose(queryOf(input));
    return /** @type {Runnable<BaseLanguageModelInput, Output>} */ (models[model]);
  });
}

/**
 * The query in a chat model's input: a text, a prompt value, or messages in any form that LangChain accepts.
 * @param {BaseLanguageModelInput} input
 */
function queryOf(input) {
  if (typeof input === "string") return input;
  const prompt = /** @type {Partial<BasePromptValueInterface> | undefined} */ (input);
  const messages = typeof prompt?.toChatMessages === "function" ? prompt.toChatMessages() : input;
  if (!Array.isArray(messages)) {
    const message = `${CALLER}'s input is ${describe(input)}: expected a text, messages or a prompt value`;
    throw new RouterError("argument_messages", message);
  }
  return userTexts(
    messages.map((message) => {
      const { type, content } = coerceMessageLikeToMessage(message);
      return { role: type === "human" ? "user" : type, content };
    }),
  );
}
