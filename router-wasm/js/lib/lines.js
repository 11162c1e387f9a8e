// A stream's lines with their numbers, from 1. A mark of the byte order is no part of the first.

export async function* linesOf(input) {
  input.setEncoding("utf8");
  let number = 0;
  let rest = "";
  const numbered = (line) => {
    number += 1;
    return { number, line: number === 1 ? line.replace(/^\ufeff/, "") : line };
  };
  for await (const piece of input) {
    const [first, ...others] = piece.split("\n");
    rest += first;
    for (const next of others) {
      yield numbered(rest);
      rest = next;
    }
  }
  if (rest !== "") yield numbered(rest);
}
