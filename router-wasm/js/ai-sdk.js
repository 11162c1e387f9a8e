// A language model of the AI SDK that hands each call to the chosen candidate's model.

import { chooser, userTexts } from "./lib/adapter.js";
import { describe, RouterError } from "./lib/error.js";

export { RouterError };

const CALLER = "routedModel()";
/** The provider specification of this adapter and of the models that it delegates to. */
const SPECIFICATION = "v4";
const PROVIDER = "pointsman";

export function routedModel(router, options) {
  const choose = chooser(router, options, { caller: CALLER, every: true });
  const { models } = options;
  for (const [id, model] of Object.entries(models)) checkedModel(id, model);
  const chosenFor = async ({ prompt }) => {
    const { model, decision } = await choose(userTexts(prompt));
    return { model: models[model], metadata: { [PROVIDER]: decision ?? { model } } };
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
      const mark = new TransformStream({
        transform: (part, controller) =>
          controller.enqueue(part.type === "finish" ? withMetadata(part, metadata) : part),
      });
      return { ...result, stream: result.stream.pipeThrough(mark) };
    },
  };
}

function withMetadata(result, metadata) {
  return { ...result, providerMetadata: { ...result.providerMetadata, ...metadata } };
}

/** The URL patterns that every model accepts: the SDK asks for them before a model is chosen. */
async function urlsOfAll(models) {
  const [first, ...others] = await Promise.all(models.map(({ supportedUrls }) => supportedUrls));
  const takes = (urls, type, pattern) => urls[type]?.some((other) => String(other) === String(pattern));
  const common = Object.entries(first).map(([type, patterns]) => [
    type,
    patterns.filter((pattern) => others.every((urls) => takes(urls, type, pattern))),
  ]);
  return Object.fromEntries(common.filter(([, patterns]) => patterns.length > 0));
}

function checkedModel(id, model) {
  const isModel = typeof model?.doGenerate === "function" && typeof model?.doStream === "function";
  if (isModel && model.specificationVersion === SPECIFICATION) return;
  const found = isModel ? `a model of specification ${describe(model.specificationVersion)}` : describe(model);
  const message = `${CALLER}: models["${id}"] is ${found}: expected a LanguageModel of specification ${SPECIFICATION}, as openai("...") of @ai-sdk/openai 4 makes it`;
  throw new RouterError("argument_models", message);
}
