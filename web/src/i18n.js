// Texts and numbers in the user's language.

import { computed } from "@preact/signals";

import en from "./i18n/en.js";
import zh from "./i18n/zh.js";
import { language } from "./state.js";

const WORDS = { en, zh };
const LOCALES = { en: "en-US", zh: "zh-CN" };

/** The phrase of a key, with its `{name}`s filled in. */
export function t(key, values = {}) {
  return WORDS[language.value][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** The phrase of a key that may be missing. */
export function phrase(key) {
  return WORDS[language.value][key];
}

const formats = computed(() => {
  const locale = LOCALES[language.value];
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

export const whole = (value) => formats.value.whole.format(value);
export const fraction = (value) => formats.value.fraction.format(value);
export const percent = (value) => formats.value.percent.format(value);
export const percentFine = (value) => formats.value.percentFine.format(value);
export const significant = (value) => formats.value.significant.format(value);
export const listed = (values) => formats.value.list.format(values);

/** USD, with decimals by its size; "–" where unknown. */
export function usd(value) {
  if (value === undefined) return "–";
  if (value === 0) return formats.value.wholeDollars.format(0);
  if (value < 1) return formats.value.cents.format(value);
  return (value < 1000 ? formats.value.dollars : formats.value.wholeDollars).format(value);
}

/** Milliseconds, in three digits. */
export const milliseconds = (value) => `${significant(value)} ms`;

/** Bytes with a unit that fits their size. */
export function bytes(value) {
  if (value < 1000) return `${value} B`;
  if (value < 1e6) return `${significant(value / 1e3)} kB`;
  return `${significant(value / 1e6)} MB`;
}
