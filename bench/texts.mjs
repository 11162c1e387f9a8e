// Queries of exact lengths, cut from our own text at whole words.

/**
 * The first words, from some place in the text on, that come to exactly `tokens` tokens.
 *
 * The tokenizers measured split at spaces first, so a text's tokens are those of its words and the
 * special ones around them.
 *
 * @param {string} text
 * @param {(text: string) => number} countTokens special tokens included
 */
export function cutter(text, countTokens) {
  const words = text.split(/\s+/).filter(Boolean);
  const special = 2 * countTokens(words[0]) - countTokens(`${words[0]} ${words[0]}`);
  const counts = words.map((word) => countTokens(word) - special);
  return (/** @type {number} */ tokens) => {
    for (let first = 0; first < words.length; first += 1) {
      const past = endOf(counts, first, tokens - special);
      if (past === undefined) continue;
      const found = words.slice(first, past).join(" ");
      if (countTokens(found) === tokens) return found;
    }
    throw new Error(`the text has no run of whole words of ${tokens} tokens`);
  };
}

/**
 * Where the run from `first` on ends that comes to exactly `wanted`, if one does.
 * @param {number[]} counts
 * @param {number} first
 * @param {number} wanted
 */
function endOf(counts, first, wanted) {
  let total = 0;
  for (let at = first; at < counts.length && total < wanted; at += 1) {
    total += counts[at];
    if (total === wanted) return at + 1;
  }
  return undefined;
}
