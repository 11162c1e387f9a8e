// Finds the word that a misspelt one was meant to be.

/**
 * The nearest of `words`, if it is near enough to be what was meant.
 * @param {string} word
 * @param {Iterable<string>} words
 * @returns {string | undefined}
 */
export function nearest(word, words) {
  const most = Math.max(1, Math.floor(word.length / 3));
  let best;
  let least = most + 1;
  for (const other of words) {
    const distance = editDistance(word.toLowerCase(), other.toLowerCase());
    if (distance < least) [best, least] = [other, distance];
  }
  return best;
}

/**
 * A sentence about a misspelt word: the nearest right one, else all of them.
 * @param {string} word
 * @param {string[]} words
 */
export function suggestion(word, words) {
  const near = nearest(word, words);
  return near === undefined ? `expected one of ${words.join(", ")}` : `did you mean ${near}?`;
}

/**
 * The fewest insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
 * @param {string} a
 * @param {string} b
 */
function editDistance(a, b) {
  /** @type {number[][]} */
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
}
