// A language model of the AI SDK that hands each call to the chosen candidate's model.

import { describe } from "../describe.js";
import { RouterError } from "../error.js";
import { chooser, userTexts } from "./chooser.js";

/** @import { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart, SharedV4ProviderMetadata } from "@ai-sdk/provider" */
/** @import { AnyRouter } from "../types/adapter.js" */
/** @import { RoutedModelOptions } from "../types/ai-sdk.js" */

/** @typedef {Record<string, RegExp[]>} Urls patterns by media type */

export { RouterError };

const CALLER = "routedModel()";
/** The provider specification of this adapter and of the models that it delegates to. */
const SPECIFICATION = "v4";
const PROVIDER = "pointsman";

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
 * @param {AnyRouter} router
 * @param {RoutedModelOptions} options
 * @returns {LanguageModelV4}
 * @throws RouterError `argument_router`, `argument_models`, `argument_options`, `argument_policy`, any
 * `policy_*`. With a RouterWorker, the first call rejects with the errors that need the bundle.
 *
 * @example
 * ```js
 * const model = routedModel(router, {
 *   models: { large: openai("gpt-5"), small: openai("gpt-5-nano") },
 * });
 * const { text } = await generateText({ model, prompt: "Prove it." });
 * ```
 */
export function routedModel(router, options) {
  const choose = chooser(router, options, { caller: CALLER, every: true });
  const { models } = options;
  for (const [id, model] of Object.entries(models)) checkedModel(id, model);
  const chosenFor = async (/** @type {LanguageModelV4CallOptions} */ { prompt }) => {
    const { model: id, decision } = await choose(userTexts(prompt));
    const model = /** @type {LanguageModelV4} */ (models[id]);
    // JSON types it as an interface, which has no index signature.
    const metadata = /** @type {SharedV4ProviderMetadata} */ ({ [PROVIDER]: decision ?? { model: id } });
    return { model, metadata };
  };
  return {
    specificationVersion: SPECIFICATION,
    provider: PROVIDER,
    modelId: "auto",
    get supportedUrls() {
      return urlsOfAll(Object.values(models));
    },
    async doGenerate(call) {
      const { model, metadata } = await chosenFor(call);
      return withMetadata(await model.doGenerate(call), metadata);
    },
    async doStream(call) {
      const { model, metadata } = await chosenFor(call);
      const result = await model.doStream(call);
      /** @type {TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart>} */
      const mark = new TransformStream({
        transform: (part, controller) =>
          controller.enqueue(part.type === "finish" ? withMetadata(part, metadata) : part),
      });
      return { ...result, stream: result.stream.pipeThrough(mark) };
    },
  };
}

/**
 * @template {{providerMetadata?: SharedV4ProviderMetadata}} Result
 * @param {Result} result
 * @param {SharedV4ProviderMetadata} metadata
 */
function withMetadata(result, metadata) {
  return { ...result, providerMetadata: { ...result.providerMetadata, ...metadata } };
}

/**
 * The URL patterns that every model accepts: the SDK asks for them before a model is chosen.
 * @param {LanguageModelV4[]} models
 */
async function urlsOfAll(models) {
  const [first, ...others] = await Promise.all(models.map(({ supportedUrls }) => supportedUrls));
  /** @type {Urls} */
  const common = {};
  for (const [type, patterns] of Object.entries(first ?? {})) {
    const accepted = patterns.filter((pattern) => others.every((urls) => accepts(urls, type, pattern)));
    if (accepted.length > 0) common[type] = accepted;
  }
  return common;
}

/**
 * @param {Urls} urls
 * @param {string} type
 * @param {RegExp} pattern
 */
function accepts(urls, type, pattern) {
  return urls[type]?.some((other) => String(other) === String(pattern));
}

/**
 * @param {string} id
 * @param {LanguageModelV4} model
 */
function checkedModel(id, model) {
  const isModel = typeof model?.doGenerate === "function" && typeof model?.doStream === "function";
  if (isModel && model.specificationVersion === SPECIFICATION) return;
  const found = isModel ? `a model of specification ${describe(model.specificationVersion)}` : describe(model);
  const message = `${CALLER}: models["${id}"] is ${found}: expected a LanguageModel of specification ${SPECIFICATION}, as openai("...") of @ai-sdk/openai 4 makes it`;
  throw new RouterError("argument_models", message);
}
