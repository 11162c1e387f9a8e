// Texts and numbers in the user's language.

/** @import { Language, Phrases, PhraseKey, PlaceholdersOf } from "./i18n/phrases.ts" */

import { computed } from "@preact/signals";

import en from "./i18n/en.js";
import zh from "./i18n/zh.js";
import { language } from "./state.js";

/** @type {Record<Language, Phrases>} */
const WORDS = { en, zh };
const LOCALES = { en: "en-US", zh: "zh-CN" };

/**
 * The phrase of a key, with its `{name}`s filled in; the type asks for exactly the names of the English phrase.
 * @template {PhraseKey} Key
 * @param {Key} key
 * @param {PlaceholdersOf<Key> extends never ? [] : [values: Record<PlaceholdersOf<Key>, unknown>]} values
 * @returns {string}
 */
export function t(key, ...[values]) {
  const named = /** @type {Record<string, unknown>} */ (values ?? {});
  return WORDS[language.value][key].replace(/\{(\w+)\}/g, (_, name) => String(named[name]));
}

/**
 * The phrase of a key that may be missing.
 * @param {string} key
 * @returns {string | undefined}
 */
export function phrase(key) {
  return /** @type {Record<string, string>} */ (WORDS[language.value])[key];
}

const formats = computed(() => {
  const locale = LOCALES[language.value];
  /** @param {Intl.NumberFormatOptions} options */
  const number = (options) => new Intl.NumberFormat(locale, options);
  return {
    whole: number({ maximumFractionDigits: 0 }),
    fraction: number({ minimumFractionDigits: 3, maximumFractionDigits: 3 }),
    percent: number({ style: "percent", maximumFractionDigits: 0 }),
    percentFine: number({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    significant: number({ maximumSignificantDigits: 3 }),
    dollars: number({ style: "currency", currency: "USD", currencyDisplay: "narrowSymbol" }),
    wholeDollars: number({
      style: "currency",
      currency: "USD",
      currencyDisplay: "narrowSymbol",
      maximumFractionDigits: 0,
    }),
    cents: number({
      style: "currency",
      currency: "USD",
      currencyDisplay: "narrowSymbol",
      minimumSignificantDigits: 2,
      maximumSignificantDigits: 3,
    }),
    list: new Intl.ListFormat(locale),
  };
});

/** @param {number} value */
export const whole = (value) => formats.value.whole.format(value);
/** @param {number} value */
export const fraction = (value) => formats.value.fraction.format(value);
/** @param {number} value */
export const percent = (value) => formats.value.percent.format(value);
/** @param {number} value */
export const percentFine = (value) => formats.value.percentFine.format(value);
/** @param {number} value */
export const significant = (value) => formats.value.significant.format(value);
/** @param {string[]} values */
export const listed = (values) => formats.value.list.format(values);

/**
 * USD, with decimals by its size; "–" where unknown.
 * @param {number | undefined} value
 */
export function usd(value) {
  if (value === undefined) return "–";
  if (value === 0) return formats.value.wholeDollars.format(0);
  if (value < 1) return formats.value.cents.format(value);
  return (value < 1000 ? formats.value.dollars : formats.value.wholeDollars).format(value);
}

/**
 * Milliseconds, in three digits.
 * @param {number} value
 */
export const milliseconds = (value) => `${significant(value)} ms`;

/**
 * Bytes with a unit that fits their size.
 * @param {number} value
 */
export function bytes(value) {
  if (value < 1000) return `${value} B`;
  if (value < 1e6) return `${significant(value / 1e3)} kB`;
  return `${significant(value / 1e6)} MB`;
}
