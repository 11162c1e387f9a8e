// The arithmetic of one query, from an encoder's shape: what a time per query is held against.

/**
 * Multiply-adds of an encoder on so many tokens. A layer of a transformer:
 *
 *   4 S H^2 (query, key, value, output) + 2 S^2 H (scores, mix) + 2 S H I (feed-forward)
 *
 * A static encoder adds a row of its table a token. Normalisation, softmax and head are not counted.
 *
 * @typedef {{layers: number, width: number, inner: number}} Shape layers, H and I
 *
 * @param {Shape} shape
 * @param {number} tokens
 */
export function multiplyAdds({ layers, width, inner }, tokens) {
  if (layers === 0) return tokens * width;
  const projections = 4 * tokens * width ** 2;
  const attention = 2 * tokens ** 2 * width;
  const feedForward = 2 * tokens * width * inner;
  return layers * (projections + attention + feedForward);
}
