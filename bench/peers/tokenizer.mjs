// The tokenizer of transformers.js, on a bundle's own tokenizer.json. transformers.js 4 is this
// package and ONNX Runtime, so the two together are its way from text to scores, without what it
// puts around them.

/** The package, or undefined where it is not installed. */
export async function tokenizerPackage() {
  try {
    return await import("@huggingface/tokenizers");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/**
 * @param {typeof import("@huggingface/tokenizers").Tokenizer} Tokenizer the package's class
 * @param {Record<string, Uint8Array>} files a bundle's
 * @returns {(text: string) => number[]} from text to ids
 */
export function tokenizeWith(Tokenizer, files) {
  const json = (/** @type {string} */ name) => JSON.parse(new TextDecoder().decode(files[name]));
  const special = json("router.json").encoder.special_tokens;
  const inner = new Tokenizer(json("tokenizer.json"), {});
  return (text) => inner.encode(text, { add_special_tokens: special }).ids;
}
