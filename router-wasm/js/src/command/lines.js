/**
 * Splits a stream into lines, numbered from 1, without a byte order mark.
 * @param {NodeJS.ReadableStream} input
 */
export async function* linesOf(input) {
  input.setEncoding("utf8");
  let number = 0;
  let rest = "";
  const numbered = (/** @type {string} */ line) => {
    number += 1;
    return { number, line: number === 1 ? line.replace(/^\ufeff/, "") : line };
  };
  for await (const piece of input) {
    const [first, ...others] = String(piece).split("\n");
    rest += first;
    for (const next of others) {
      yield numbered(rest);
      rest = next;
    }
  }
  if (rest !== "") yield numbered(rest);
}
