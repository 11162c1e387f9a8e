// The README's figures, put between two comments that Markdown does not show:
//
//   <!-- figures: edge -->
//   ...
//   <!-- end of figures -->
//
// Everything else stays as it is, to the byte.

const START = "<!-- figures: edge -->\n";
const END = "<!-- end of figures -->\n";

/** `text` with `figures` between the markers. */
export function refreshed(text, figures) {
  const [before, rest, ...starts] = text.split(START);
  if (rest === undefined || starts.length > 0) {
    throw new Error(`${JSON.stringify(START.trim())} stands ${starts.length + (rest === undefined ? 0 : 1)} times: expected once, on a line of its own`);
  }
  const end = rest.indexOf(END);
  if (end < 0) throw new Error(`no ${JSON.stringify(END.trim())} after ${JSON.stringify(START.trim())}`);
  return `${before}${START}${figures.trim()}\n${rest.slice(end)}`;
}
