// A Runnable of LangChain that hands each input to the chosen candidate's chat model.

import { coerceMessageLikeToMessage } from "@langchain/core/messages";
import { RunnableLambda } from "@langchain/core/runnables";

import { chooser, userTexts } from "./lib/adapter.js";
import { describe, RouterError } from "./lib/error.js";

export { RouterError };

const CALLER = "routedRunnable()";

export function routedRunnable(router, options) {
  const choose = chooser(router, options, { caller: CALLER, every: true });
  const { models } = options;
  for (const [id, model] of Object.entries(models)) {
    if (typeof model?.invoke === "function" && typeof model.stream === "function") continue;
    const message = `${CALLER}: models["${id}"] is ${describe(model)}: expected a chat model or another Runnable`;
    throw new RouterError("argument_models", message);
  }
  // A Runnable that a RunnableLambda returns is run on the same input, streaming too.
  return RunnableLambda.from(async (input) => models[(await choose(queryOf(input))).model]);
}

/** The query in a chat model's input: a text, a prompt value, or messages in any form that LangChain accepts. */
function queryOf(input) {
  if (typeof input === "string") return input;
  const messages = typeof input?.toChatMessages === "function" ? input.toChatMessages() : input;
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
