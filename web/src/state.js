// The page's state as signals, and the values derived from it.

/** @import { LoadProgress, Policy, Router, BundleInfo, BundleSource } from "pointsman" */
/** @import { Language } from "./i18n/phrases.ts" */
/** @import { RoutedRow } from "./model/decisions-csv.js" */
/** @import { Link, Mode, Theme, View } from "./model/deep-link.js" */
/** @import { Fault } from "./model/fault.js" */
/** @import { Lengths, Price } from "./model/money.js" */
/** @import { QueryMap } from "./model/projection.js" */

import { batch, computed, effect, signal } from "@preact/signals";

import { shareFrom, thresholdFor } from "./model/calibration.js";
import { MODES, readLink, writeLink } from "./model/deep-link.js";
import { timedDecision } from "./timed-decision.js";

const KEPT = "pointsman";

/**
 * @typedef {object} OpenedBundle
 * @property {BundleSource} source what the router was loaded from, with the user's own prices
 * @property {Record<string, Uint8Array>} files as they were opened
 * @property {Router} router
 * @property {BundleInfo} info
 * @property {QueryMap} [map]
 * @property {string} [mapFault] why the map cannot be drawn
 */

/**
 * @typedef {{status: "ready", id: string, own?: boolean, progress?: LoadProgress} & OpenedBundle} ReadyBundle `own`
 *   where it is the user's own; `progress` while the next one loads
 * @typedef {{status: "loading" | "failed", id: string, own?: undefined, progress?: LoadProgress, error?: Fault,
 *   router?: undefined}} AbsentBundle
 */

/** @typedef {{role: "user" | "assistant", content: string}} Turn */
/** @typedef {Partial<Record<string, "strong" | "weak">>} Sides of the pair, by candidate */

export const view = signal(/** @type {View} */ ("playground"));
export const language = signal(/** @type {Language} */ ("en"));
/** "light", "dark", or undefined for the system's setting. */
export const theme = signal(/** @type {Theme | undefined} */ (undefined));

export const bundle = signal(/** @type {ReadyBundle | AbsentBundle} */ ({ status: "loading", id: "default" }));
/** Why the last bundle could not be opened, where the previous one stays open. */
export const openFault = signal(/** @type {Fault | undefined} */ (undefined));

export const query = signal("");
/** A conversation's turns; the user's and the model's alternate, the user begins. */
export const turns = signal(/** @type {Turn[]} */ ([]));
export const mode = signal(/** @type {Mode} */ ("strongShare"));
export const amounts = { strongShare: signal(0.5), threshold: signal(0.5), costWeight: signal(0) };

/** The user's own prices, by candidate. */
export const prices = signal(/** @type {Record<string, Price>} */ ({}));
/** Queries a month, and their lengths. */
export const usage = signal(
  /** @type {{queries: number} & Lengths} */ ({ queries: 100_000, inputTokens: 400, outputTokens: 256 }),
);
/** How often the engine was warmed up: route times are measured again then. */
export const warmed = signal(0);
/** Rows routed in the view of the user's own queries. */
export const routed = signal(/** @type {{rows: RoutedRow[], policy: Policy} | undefined} */ (undefined));

export const info = computed(() => (bundle.value.status === "ready" ? bundle.value.info : undefined));

/** The open bundle, for the views that are shown only while one is open. */
export function opened() {
  if (bundle.value.status !== "ready") throw new Error("no bundle is open");
  return bundle.value;
}

export const pair = computed(() => {
  const { strong, weak } = info.value?.head ?? {};
  return strong && weak ? { strong, weak } : undefined;
});
export const calibration = computed(() => info.value?.calibration);
const priceless = computed(() => info.value?.candidates.every(({ input_price: price }) => price === undefined));

/** The modes of the policy that this bundle supports. */
export const modes = computed(() => {
  /** @type {Mode[]} */
  const found = [];
  if (!info.value) return found;
  if (pair.value && calibration.value) found.push("strongShare");
  if (pair.value) found.push("threshold");
  if (!priceless.value) found.push("costWeight");
  return found;
});

export const policy = computed(() => {
  const chosen = modes.value.includes(mode.value) ? mode.value : modes.value[0];
  /** @type {Policy} */
  const amount = chosen ? { [chosen]: amounts[chosen].value } : {};
  return { ...amount, outputTokens: usage.value.outputTokens };
});

/** The share of strong calls at the policy's threshold. */
export const share = computed(() => {
  if (!pair.value || !calibration.value || mode.value === "costWeight") return undefined;
  return mode.value === "strongShare"
    ? amounts.strongShare.value
    : shareFrom(calibration.value.quantiles, amounts.threshold.value);
});

/** The decision on the query; undefined while no bundle is ready or the query is blank. */
export const decided = computed(() => {
  warmed.value;
  if (bundle.value.status !== "ready" || query.value.trim() === "") return undefined;
  return timedDecision(bundle.value.router, query.value, policy.value);
});

/**
 * Switches the policy's mode, to the value that gives the same decisions.
 * @param {Mode} to
 */
export function switchMode(to) {
  const quantiles = calibration.value?.quantiles;
  batch(() => {
    if (quantiles && to === "threshold" && mode.value === "strongShare") {
      amounts.threshold.value = thresholdFor(quantiles, amounts.strongShare.value);
    } else if (quantiles && to === "strongShare" && mode.value === "threshold") {
      amounts.strongShare.value = shareFrom(quantiles, amounts.threshold.value);
    }
    mode.value = to;
  });
}

/**
 * Sets a share of strong calls, whatever the mode was.
 * @param {number} value
 */
export function setShare(value) {
  batch(() => {
    mode.value = "strongShare";
    amounts.strongShare.value = value;
  });
}

/** Reads the state from the URL's fragment, and keeps the fragment up to date. */
export function followAddress() {
  const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  language.value = kept.language ?? (navigator.language.startsWith("zh") ? "zh" : "en");
  theme.value = kept.theme;
  take(readLink(location.hash));
  addEventListener("hashchange", () => take(readLink(location.hash)));
  let last = location.hash;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  effect(() => {
    const link = writeLink({
      view: view.value,
      bundle: bundle.value.own ? undefined : bundle.value.id,
      mode: pair.value ? mode.value : undefined,
      ...Object.fromEntries(MODES.map((name) => [name, amounts[name].value])),
      query: query.value,
      turns: turns.value.map(({ content }) => content),
    });
    clearTimeout(waiting);
    // A browser allows a hundred changes in half a minute; typing can make more.
    waiting = setTimeout(() => {
      if (link === last) return;
      last = link;
      history.replaceState(null, "", link);
    }, 300);
  });
  effect(() => {
    localStorage.setItem(KEPT, JSON.stringify({ language: language.value, theme: theme.value }));
  });
}

/** The bundle that the URL names, and whether the URL states a policy. */
export function askedBundle() {
  const { bundle: id = "default", mode: stated } = readLink(location.hash);
  return { id, keepPolicy: stated !== undefined };
}

/** @param {Link} link */
function take(link) {
  batch(() => {
    if (link.view) view.value = link.view;
    if (link.mode) mode.value = link.mode;
    for (const name of MODES) amounts[name].value = link[name] ?? amounts[name].value;
    if (link.query !== undefined) query.value = link.query;
    if (link.turns) {
      turns.value = link.turns.map((content, i) => ({ role: i % 2 === 0 ? "user" : "assistant", content }));
    }
    if (link.language) language.value = link.language;
    if (link.theme) theme.value = link.theme;
  });
}
