// transformers.js from text to the graph's outputs, as its documentation uses it.

/** @typedef {import("../in-process/onnx-runtime.mjs").Outputs} Outputs */

/**
 * Where transformers.js finds its model.
 *
 * @typedef Place
 * @property {string} models the folder or path that holds the model's folder
 * @property {string} name the model's folder
 * @property {boolean} special whether a query gets special tokens
 */

/**
 * @param {typeof import("@huggingface/transformers")} module the package's, or its build for pages
 * @param {Place} place
 * @param {object} options what `from_pretrained` takes besides
 * @returns {Promise<(text: string) => Promise<Outputs>>}
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
