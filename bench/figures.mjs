// How figures are written.

/** Milliseconds, to three digits. */
export function ms(value) {
  return value.toPrecision(3).includes("e") ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** Megabytes of bytes. */
export function mb(bytes) {
  return (bytes / 1e6).toFixed(2);
}

export function times(value) {
  return value === undefined ? "–" : value.toFixed(2);
}

/** A ratio's median with its quartiles. */
export function spread(found) {
  return found ? `${times(found.median)} [${times(found.low)}, ${times(found.high)}]` : "–";
}
