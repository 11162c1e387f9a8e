// The README's figures, put between two comments that Markdown does not show:
//
//   <!-- figures: NAME -->
//   ...
//   <!-- end of figures -->
//
// Everything else stays as it is, to the byte.

const END = "<!-- end of figures -->\n";

/** `text` with `figures` between the markers of a name. */
export function refreshed(text, name, figures) {
  const start = `<!-- figures: ${name} -->\n`;
  const [before, rest, ...starts] = text.split(start);
  if (rest === undefined || starts.length > 0) {
    throw new Error(`${JSON.stringify(start.trim())} stands ${starts.length + (rest === undefined ? 0 : 1)} times: expected once, on a line of its own`);
  }
  const end = rest.indexOf(END);
  if (end < 0) throw new Error(`no ${JSON.stringify(END.trim())} after ${JSON.stringify(start.trim())}`);
  return `${before}${start}${figures.trim()}\n${rest.slice(end)}`;
}
