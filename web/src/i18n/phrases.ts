// Types of the page's phrases. Every language has the keys and the placeholders of the English phrases.

import type en from "./en.js";

/** `{name}`s in a phrase. */
type Placeholders<Phrase extends string> = Phrase extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;

export type Language = "en" | "zh";
export type PhraseKey = keyof typeof en;
export type PlaceholdersOf<Key extends PhraseKey> = Placeholders<(typeof en)[Key]>;
export type Phrases = Record<PhraseKey, string>;

/**
 * A translation with the keys and the placeholders of the English phrases. A phrase with other placeholders has
 * a type to which no string can be assigned, and so has one with another key.
 */
export type Translation<Own extends Phrases> = {
  [Key in PhraseKey]: [Placeholders<Own[Key]>, PlaceholdersOf<Key>] extends [
    PlaceholdersOf<Key>,
    Placeholders<Own[Key]>,
  ]
    ? string
    : { placeholders: PlaceholdersOf<Key> };
} & Record<Exclude<keyof Own, PhraseKey>, never>;
