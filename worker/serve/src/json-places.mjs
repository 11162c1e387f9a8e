// Writes a value as JSON and keeps where each field and value stands, so that a parser's "line 1 column 57" becomes
// the name of a field.

/** @typedef {{start: number, end: number, path: string[]}} Place from `start` up to `end`, in bytes */
/** @typedef {{text: string, places: Place[]}} Placed the text is ASCII, so that bytes are characters */

/**
 * @param {unknown} value of a TOML file
 * @returns {Placed}
 */
export function placedJson(value) {
  /** @type {Place[]} */
  const places = [];
  let text = "";
  const add = (/** @type {unknown} */ part, /** @type {string[]} */ path) => {
    const start = text.length;
    text += ascii(part);
    places.push({ start, end: text.length, path });
  };
  const write = (/** @type {unknown} */ part, /** @type {string[]} */ path) => {
    const start = text.length;
    if (Array.isArray(part)) {
      text += "[";
      for (const [i, item] of part.entries()) {
        if (i > 0) text += ",";
        write(item, [...path, String(i)]);
      }
      text += "]";
    } else if (isTable(part)) {
      text += "{";
      for (const [i, [name, item]] of Object.entries(part).entries()) {
        if (i > 0) text += ",";
        add(name, [...path, name]);
        text += ":";
        write(item, [...path, name]);
      }
      text += "}";
    } else {
      add(part, path);
      return;
    }
    places.push({ start, end: text.length, path });
  };
  write(value, []);
  return { text, places };
}

/**
 * The path of the narrowest field or value that a column, counted from 1, is in.
 * @param {Placed} placed
 * @param {number} column
 * @returns {string[]}
 */
export function pathAt({ places }, column) {
  const around = places.filter(({ start, end }) => start < column && column <= end);
  around.sort((a, b) => a.end - a.start - (b.end - b.start));
  return around[0]?.path ?? [];
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isTable(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** @param {unknown} value */
function ascii(value) {
  const escaped = (/** @type {string} */ unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replaceAll(/[\u007f-\uffff]/g, escaped);
}
