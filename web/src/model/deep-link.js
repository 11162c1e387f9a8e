// Reads and writes the page's state in the URL's fragment, `#/trade-off?strongShare=0.3&q=...`, so that a
// link shows what its sender saw.

/** @import { Language } from "../i18n/phrases.ts" */

/**
 * @typedef {(typeof VIEWS)[number]} View
 * @typedef {(typeof MODES)[number]} Mode
 * @typedef {(typeof THEMES)[number]} Theme
 */

export const VIEWS = /** @type {const} */ (["playground", "trade-off", "queries", "map", "inside", "benchmark"]);
export const MODES = /** @type {const} */ (["strongShare", "threshold", "costWeight"]);
/** @type {readonly Language[]} */
const LANGUAGES = ["en", "zh"];
export const THEMES = /** @type {const} */ (["light", "dark"]);
/** Longest query in a link: programs cut longer links. */
const LONGEST_QUERY = 4000;

/**
 * @typedef {{view?: View, mode?: Mode, query?: string, turns?: string[], bundle?: string, language?: Language,
 *   theme?: Theme} & Partial<Record<Mode, number>>} Link
 */

/**
 * The state in a fragment; missing and invalid values are absent.
 * @param {string} fragment
 */
export function readLink(fragment) {
  const [path, search = ""] = fragment.replace(/^#\/?/, "").split("?");
  const link = new URLSearchParams(search);
  /** @type {Link} */
  const state = {};
  const [query, bundle] = [link.get("q"), link.get("bundle")];
  const view = VIEWS.find((name) => name === path);
  const stated = MODES.find((name) => name === link.get("mode"));
  const language = LANGUAGES.find((name) => name === link.get("lang"));
  const theme = THEMES.find((name) => name === link.get("theme"));
  if (view) state.view = view;
  if (stated) state.mode = stated;
  for (const mode of MODES) {
    const value = Number(link.get(mode) ?? Number.NaN);
    if (Number.isFinite(value) && value >= 0 && (mode === "costWeight" || value <= 1)) state[mode] = value;
  }
  if (query !== null) state.query = query;
  if (bundle !== null && /^[\w-]+$/.test(bundle)) state.bundle = bundle;
  if (language) state.language = language;
  if (theme) state.theme = theme;
  const turns = link.getAll("turn");
  if (turns.length > 0) state.turns = turns;
  return state;
}

/**
 * The fragment of a state; a query too long for a link is left out.
 * @param {Link} state
 */
export function writeLink({ view, mode, query, turns, bundle, language, theme, ...values }) {
  const link = new URLSearchParams();
  if (bundle && bundle !== "default") link.set("bundle", bundle);
  if (mode) {
    link.set("mode", mode);
    link.set(mode, String(values[mode]));
  }
  if (query && query.length <= LONGEST_QUERY) link.set("q", query);
  if (turns && turns.join("").length <= LONGEST_QUERY) for (const turn of turns) link.append("turn", turn);
  if (language) link.set("lang", language);
  if (theme) link.set("theme", theme);
  const search = link.toString();
  return `#/${view}${search ? `?${search}` : ""}`;
}
