// transformers.js from text to the graph's outputs, as its documentation uses it.

/**
 * @param module the package's: `@huggingface/transformers`, or its build for pages
 * @param {object} place
 * @param {string} place.models the folder or path that holds the model's folder
 * @param {string} place.name the model's folder
 * @param {boolean} place.special whether a query gets special tokens
 * @param {object} options what `from_pretrained` takes besides
 * @returns {Promise<(text: string) => Promise<object>>}
 */
export async function transformers(module, { models, name, special }, options) {
  const { AutoModel, AutoTokenizer, env } = module;
  Object.assign(env, { allowLocalModels: true, allowRemoteModels: false, useBrowserCache: false });
  env.localModelPath = models;
  const tokenizer = await AutoTokenizer.from_pretrained(name);
  // "fp32" only says that the file's name has no suffix.
  const model = await AutoModel.from_pretrained(name, { dtype: "fp32", ...options });
  return (text) => model(tokenizer(text, { add_special_tokens: special }));
}
