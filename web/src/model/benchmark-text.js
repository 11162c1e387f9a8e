// Makes texts of a given length for measurements.

const WORDS =
  "the station keeper sets the points before each train arrives so that fast goods go to the long track and small parcels wait on the short one while the signal stays green for both "
    .split(" ")
    .filter(Boolean);

/**
 * A text of at least `length` tokens, and as few more as whole words allow.
 * @param {number} length
 * @param {(text: string) => number} count counts a text's tokens
 */
export function textOfTokens(length, count) {
  let text = "";
  let tokens = 0;
  for (let i = 0; tokens < length; i += 1) {
    text += `${text ? " " : ""}${WORDS[i % WORDS.length]}`;
    tokens = count(text);
  }
  return { text, tokens };
}
