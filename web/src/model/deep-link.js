// Reads and writes the page's state in the URL's fragment, `#/trade-off?strongShare=0.3&q=...`, so that a
// link shows what its sender saw.

export const VIEWS = ["playground", "trade-off", "queries", "map", "inside", "benchmark"];
export const MODES = ["strongShare", "threshold", "costWeight"];
/** Longest query in a link: programs cut longer links. */
const LONGEST_QUERY = 4000;

/** The state in a fragment; missing and invalid values are absent. */
export function readLink(fragment) {
  const [path, search = ""] = fragment.replace(/^#\/?/, "").split("?");
  const link = new URLSearchParams(search);
  const state = {};
  if (VIEWS.includes(path)) state.view = path;
  if (MODES.includes(link.get("mode"))) state.mode = link.get("mode");
  for (const mode of MODES) {
    const value = Number(link.get(mode) ?? Number.NaN);
    if (Number.isFinite(value) && value >= 0 && (mode === "costWeight" || value <= 1)) state[mode] = value;
  }
  if (link.has("q")) state.query = link.get("q");
  if (/^[\w-]+$/.test(link.get("bundle") ?? "")) state.bundle = link.get("bundle");
  if (["en", "zh"].includes(link.get("lang"))) state.language = link.get("lang");
  if (["light", "dark"].includes(link.get("theme"))) state.theme = link.get("theme");
  const turns = link.getAll("turn");
  if (turns.length > 0) state.turns = turns;
  return state;
}

/** The fragment of a state; a query too long for a link is left out. */
export function writeLink({ view, mode, query, turns, bundle, language, theme, ...values }) {
  const link = new URLSearchParams();
  if (bundle && bundle !== "default") link.set("bundle", bundle);
  if (mode) {
    link.set("mode", mode);
    link.set(mode, String(values[mode]));
  }
  if (query && query.length <= LONGEST_QUERY) link.set("q", query);
  const whole = turns?.length > 0 && turns.join("").length <= LONGEST_QUERY;
  if (whole) for (const turn of turns) link.append("turn", turn);
  if (language) link.set("lang", language);
  if (theme) link.set("theme", theme);
  const search = link.toString();
  return `#/${view}${search ? `?${search}` : ""}`;
}
