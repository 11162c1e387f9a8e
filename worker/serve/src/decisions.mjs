// Reads the data points that the Worker logs, one a request, and writes each as a line: the model, why, what it cost
// and what it saved.

/** @import { Config } from "./config.mjs" */

/** The prefix of log lines that are data points. */
export const POINT_MARK = "pointsman-data-point ";

/**
 * A data point, as `worker/src/accounting/record.rs` makes it; numbers that are not known are absent.
 * @typedef {object} Point
 * @property {string} model
 * @property {string} reason
 * @property {string} endpoint
 * @property {number} status
 * @property {string} error
 * @property {number} [winRate]
 * @property {number} [threshold]
 * @property {number} totalMs
 * @property {number} [inputTokens]
 * @property {number} [outputTokens]
 * @property {number} [cost]
 */
/** @typedef {{requests: number, cost: number, saved: number}} Totals in US dollars */

/** @param {string} line @returns {Point | undefined} undefined if the line is no data point */
export function pointIn(line) {
  if (!line.startsWith(POINT_MARK)) return undefined;
  let point;
  try {
    point = JSON.parse(line.slice(POINT_MARK.length));
  } catch {
    // A text of somebody else's that begins with the mark.
    return undefined;
  }
  const { blobs, doubles } = point;
  const [model, reason, endpoint, status, error] = blobs;
  const [winRate, threshold, , totalMs, inputTokens, outputTokens, cost] = doubles.map(
    (/** @type {number} */ number) => (number < 0 ? undefined : number),
  );
  return {
    model,
    reason,
    endpoint,
    status: Number(status),
    error,
    winRate,
    threshold,
    totalMs,
    inputTokens,
    outputTokens,
    cost,
  };
}

/**
 * What the strong model would have cost more, with the same tokens and the same share of cached ones. Undefined where
 * the cost, or a price, is not known.
 * @param {Point} point
 * @param {Config["upstreams"]} upstreams
 * @param {string | undefined} strong
 */
export function savedBy({ model, cost, inputTokens, outputTokens }, upstreams, strong) {
  if (strong === undefined || cost === undefined || inputTokens === undefined || outputTokens === undefined)
    return undefined;
  const listed = (/** @type {string} */ name) => {
    const { inputPrice, outputPrice } = upstreams[name] ?? {};
    if (typeof inputPrice !== "number" || typeof outputPrice !== "number") return undefined;
    return (inputTokens * inputPrice + outputTokens * outputPrice) / 1e6;
  };
  const [own, other] = [listed(model), listed(strong)];
  if (own === undefined || other === undefined) return undefined;
  return (own > 0 ? (cost * other) / own : other) - cost;
}

/**
 * @param {Point} point
 * @param {number | undefined} saved
 * @param {Date} at
 */
export function lineOf({ model, reason, endpoint, status, error, winRate, threshold, ...rest }, saved, at) {
  const { inputTokens, outputTokens, cost, totalMs } = rest;
  const known = winRate !== undefined && threshold !== undefined;
  const sign = known && winRate >= threshold ? ">=" : "<";
  const parts = [
    at.toTimeString().slice(0, 8),
    endpoint,
    model || "-",
    reason || "-",
    known ? `${winRate.toFixed(3)} ${sign} ${threshold.toFixed(3)}` : "",
    inputTokens === undefined ? "" : `${inputTokens}+${outputTokens ?? 0} tokens`,
    cost === undefined ? "cost unknown" : dollars(cost),
    saved === undefined ? "" : `saved ${dollars(saved)}`,
    `${Math.round(totalMs ?? 0)} ms`,
    error ? `${status} ${error}` : status >= 400 ? String(status) : "",
  ];
  return parts.filter(Boolean).join("  ");
}

/** @param {Totals} totals @param {string | undefined} strong */
export function summary({ requests, cost, saved }, strong) {
  const against = strong === undefined ? "" : `, saved ${dollars(saved)} against ${strong} for all`;
  return `${requests} request${requests === 1 ? "" : "s"}, ${dollars(cost)}${against}`;
}

/** @param {number} usd */
export function dollars(usd) {
  const size = Math.abs(usd);
  const digits = size >= 1 || size === 0 ? 2 : Math.min(8, 2 - Math.floor(Math.log10(size)));
  return `${usd < 0 ? "-" : ""}$${size.toFixed(digits)}`;
}
