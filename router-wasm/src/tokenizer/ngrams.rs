//! Hashed n-grams: a tokenizer without a vocabulary, of characters and of words, for every script.
//!
//! `tokenizer.json` states the settings:
//!
//! ```text
//! {"type": "HashedNgrams", "version": 1, "buckets": 393216, "characters": [2, 5], "words": [1, 2],
//!  "lowercase": true, "max_characters": 20000, "tail_characters": 300}
//! ```
//! 1. Of a text of more than `max_characters` the first quarter of them and the last three quarters are
//!    kept, as two lines.
//! 2. The text is brought to NFKC and, with `lowercase`, each character to lower case by itself (a final
//!    sigma is no exception). A run of white space becomes one space, other control characters vanish.
//! 3. A *chunk* is what stands between spaces, with one space before and one behind it. Each run of n
//!    characters of a chunk is a character n-gram, n in `characters`; the spaces are no n-grams by
//!    themselves.
//! 4. A *word* is a run of letters and digits; any other character but a space is a word too. Words that
//!    follow each other, joined by one space, are word n-grams, n in `words`.
//! 5. The bucket of an n-gram is `mix(fnv(namespace n ngram)) mod buckets`, of the bytes of its namespace,
//!    `c` or `w`, one byte n, and the n-gram in UTF-8:
//!
//!    ```text
//!    fnv(bytes): h = 0xcbf29ce484222325; of each byte b: h = (h xor b) * 0x100000001b3           FNV-1a
//!    mix(h): h ^= h >> 33; h *= 0xff51afd7ed558ccd; h ^= h >> 33; h *= 0xc4ceb9fe1a85ec53; h ^= h >> 33
//!    ```
//!    in unsigned 64 bits. With 393,216 buckets the bigram " a" of characters is in bucket 216,407, the word
//!    "a" in 362,978, the words "to be" in 240,211 and the trigram "né " in 192,074.
//! 6. With `tail_characters` the last line that is not blank, of it at most so many of its last characters,
//!    gives its n-grams a second time, in the namespaces `tc` and `tw`: a request behind long context has
//!    buckets of its own.
//!
//! The result is each bucket once, ascending, and how often it occurs. There are no tokens of an LLM among
//! them: these are estimated as 1.3 for each word, where each character of a script without spaces counts
//! as a word.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_normalization_alignments::UnicodeNormalization;

use super::Tokens;
use super::hashing::{BASIS, fnv, mix, step};
use super::text_tail::{last_characters, tail};
use crate::error::RouterError;
use crate::query::estimated_tokens;

/// The field `type` of a `tokenizer.json` of this kind.
const TYPE: &str = "HashedNgrams";
const VERSION: u64 = 1;
/// The most bytes of such a file: it holds a few numbers.
const MAX_FILE: usize = 4096;
/// The largest n.
const MAX_N: usize = 8;
const MAX_BUCKETS: u32 = 1 << 24;
const MAX_CHARACTERS: usize = 1 << 20;

/// What a `tokenizer.json` of hashed n-grams states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NgramSettings {
    /// V, the number of buckets, in 1..=2^24.
    pub buckets: u32,
    /// The least and the largest n of characters' n-grams, in 1..=8.
    pub characters: [usize; 2],
    /// The least and the largest n of words' n-grams, in 1..=8.
    pub words: [usize; 2],
    /// Whether text is brought to lower case.
    pub lowercase: bool,
    /// Characters of the longest text that is read as a whole, in 4..=2^20.
    pub max_characters: usize,
    /// Characters of a text's last line that have buckets of their own, in 1..=`max_characters`; none
    /// where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail_characters: Option<usize>,
}

impl NgramSettings {
    /// Reads a `tokenizer.json` of this kind; `None` for one of another kind.
    pub(super) fn read(bytes: &[u8]) -> Option<Result<Self, RouterError>> {
        if bytes.len() > MAX_FILE {
            return None;
        }
        let mut file: Value = serde_json::from_slice(bytes).ok()?;
        let fields = file.as_object_mut()?;
        if fields.remove("type")? != TYPE {
            return None;
        }
        let version = fields.remove("version").unwrap_or_default();
        if version != VERSION {
            return Some(bad(format!(
                "hashed n-grams of version {version}, this engine reads version {VERSION}: export the \
                 bundle with the trainer of the engine's version"
            )));
        }
        Some(serde_json::from_value(file).or_else(|e| bad(format!("hashed n-grams: {e}"))))
    }

    /// The `tokenizer.json` that states these settings.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut file = serde_json::json!({"type": TYPE, "version": VERSION});
        if let (Some(file), Ok(Value::Object(own))) =
            (file.as_object_mut(), serde_json::to_value(self))
        {
            file.extend(own);
        }
        file.to_string().into_bytes()
    }

    fn check(&self) -> Result<(), RouterError> {
        if !(1..=MAX_BUCKETS).contains(&self.buckets) {
            return bad(format!("buckets is {}: expected 1 to {MAX_BUCKETS}", self.buckets));
        }
        for (name, [least, largest]) in [("characters", self.characters), ("words", self.words)] {
            if !(1 <= least && least <= largest && largest <= MAX_N) {
                return bad(format!(
                    "{name} is [{least}, {largest}]: expected the least and the largest n, of 1 to {MAX_N}"
                ));
            }
        }
        if !(4..=MAX_CHARACTERS).contains(&self.max_characters) {
            let found = self.max_characters;
            return bad(format!("max_characters is {found}: expected 4 to {MAX_CHARACTERS}"));
        }
        match self.tail_characters {
            Some(found) if !(1..=self.max_characters).contains(&found) => bad(format!(
                "tail_characters is {found}: expected 1 to max_characters, {}",
                self.max_characters
            )),
            _ => Ok(()),
        }
    }
}

fn bad<T>(detail: String) -> Result<T, RouterError> {
    Err(RouterError::BundleBadTokenizer { detail })
}

/// Hashes the n-grams of texts.
#[derive(Debug, Clone)]
pub struct HashedNgrams {
    settings: NgramSettings,
    /// Of the whole text.
    whole: Namespaces,
    /// Of its tail.
    tail: Namespaces,
}

impl HashedNgrams {
    /// A hasher with these settings.
    ///
    /// # Errors
    /// [`RouterError::BundleBadTokenizer`] for a setting out of its range.
    pub fn new(settings: NgramSettings) -> Result<Self, RouterError> {
        settings.check()?;
        Ok(Self { settings, whole: Namespaces::new(b""), tail: Namespaces::new(b"t") })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &NgramSettings {
        &self.settings
    }

    /// The buckets of a text's n-grams, ascending, how often each occurs, and the estimated tokens of an
    /// LLM; no bucket for a text without a visible character.
    #[must_use]
    pub fn tokenize(&self, text: &str) -> Tokens {
        let mut normalised = Normalised::default();
        let [total, rated] = self.read(text, &mut normalised);
        let mut buckets = Vec::new();
        self.hash(&normalised, &self.whole, &mut buckets);
        if let Some(characters) = self.settings.tail_characters {
            normalised.clear();
            self.normalise(tail(text, characters), &mut normalised);
            self.hash(&normalised, &self.tail, &mut buckets);
        }
        Tokens::counted(buckets, total, rated)
    }

    /// The estimated tokens of an LLM, without hashing.
    pub(super) fn count(&self, text: &str) -> usize {
        let [total, _] = self.read(text, &mut Normalised::default());
        total
    }

    /// Normalises the part of a text that is kept; returns the estimated tokens of all and of the part.
    fn read(&self, text: &str, normalised: &mut Normalised) -> [usize; 2] {
        let kept = self.kept(text);
        for part in kept {
            self.normalise(part, normalised);
        }
        let kept_bytes = kept.iter().map(|part| part.len() as u64).sum();
        let counted = normalised.counted_words.saturating_mul(13).div_ceil(10);
        [text.len() as u64, kept_bytes].map(|bytes| {
            let estimate = estimated_tokens(counted, kept_bytes, bytes);
            usize::try_from(estimate).unwrap_or(usize::MAX)
        })
    }

    /// The text, or its beginning and its end.
    fn kept<'t>(&self, text: &'t str) -> [&'t str; 2] {
        let limit = self.settings.max_characters;
        if text.len() <= limit || text.char_indices().nth(limit).is_none() {
            return [text, ""];
        }
        let first = limit / 4;
        let end_of_first = text.char_indices().nth(first).map_or(text.len(), |(at, _)| at);
        [&text[..end_of_first], last_characters(text, limit - first)]
    }

    /// Adds a part of a text, as lines of their own.
    fn normalise(&self, part: &str, to: &mut Normalised) {
        let lowercase = self.settings.lowercase;
        if part.is_ascii() {
            for byte in part.bytes() {
                let byte = if lowercase { byte.to_ascii_lowercase() } else { byte };
                to.push(char::from(byte));
            }
        } else {
            for (c, _) in part.nfkc() {
                match lowercase {
                    true => c.to_lowercase().for_each(|c| to.push(c)),
                    false => to.push(c),
                }
            }
        }
        to.push('\n');
    }

    fn hash(&self, text: &Normalised, namespaces: &Namespaces, buckets: &mut Vec<u32>) {
        let count = u64::from(self.settings.buckets);
        // A remainder of a 32-bit number has 32 bits.
        let mut take = |hash: u64| buckets.push((mix(hash) % count) as u32);
        text.character_ngrams(self.settings.characters, &namespaces.characters, &mut take);
        text.word_ngrams(self.settings.words, &namespaces.words, &mut take);
    }
}

/// The hashes of a namespace and each n, before the n-gram.
#[derive(Debug, Clone)]
struct Namespaces {
    characters: [u64; MAX_N],
    words: [u64; MAX_N],
}

impl Namespaces {
    fn new(prefix: &[u8]) -> Self {
        let of = |kind: u8| {
            let namespace = fnv(fnv(BASIS, prefix), &[kind]);
            std::array::from_fn(|at| fnv(namespace, &[at as u8 + 1]))
        };
        Self { characters: of(b'c'), words: of(b'w') }
    }
}

/// A text after its normalisation: chunks with a space before, between and behind them.
#[derive(Debug, Default)]
struct Normalised {
    text: String,
    /// Where each character begins.
    starts: Vec<u32>,
    /// Where each word begins and ends.
    words: Vec<[u32; 2]>,
    /// Where the word being read began.
    open: Option<u32>,
    /// Words, each character of a script without spaces counted as one.
    counted_words: u64,
    /// Whether the word being read has been counted.
    is_counted: bool,
}

impl Normalised {
    fn clear(&mut self) {
        self.text.clear();
        self.starts.clear();
        self.words.clear();
    }

    /// Bytes so far: a query has fewer than 2^32, of which NFKC makes no more than 18 times as many
    /// from the `max_characters` that are read.
    fn here(&self) -> u32 {
        self.text.len() as u32
    }

    fn push(&mut self, c: char) {
        if self.text.is_empty() {
            self.add(' ');
        }
        if c.is_whitespace() {
            self.end_word();
            if !self.text.ends_with(' ') {
                self.add(' ');
            }
        } else if c.is_alphanumeric() {
            self.open.get_or_insert(self.text.len() as u32);
            let is_word = is_without_spaces(c);
            self.counted_words += u64::from(is_word || !self.is_counted);
            self.is_counted = !is_word;
            self.add(c);
        } else if !c.is_control() {
            self.end_word();
            let begin = self.here();
            self.add(c);
            self.words.push([begin, self.here()]);
            self.counted_words += 1;
        }
    }

    fn add(&mut self, c: char) {
        self.starts.push(self.here());
        self.text.push(c);
    }

    fn end_word(&mut self) {
        if let Some(begin) = self.open.take() {
            self.words.push([begin, self.here()]);
        }
        self.is_counted = false;
    }

    fn character_ngrams(
        &self,
        [least, largest]: [usize; 2],
        namespaces: &[u64; MAX_N],
        take: &mut impl FnMut(u64),
    ) {
        let bytes = self.text.as_bytes();
        for (at, &begin) in self.starts.iter().enumerate() {
            // One hash for each n, from the same bytes.
            let mut hashes = *namespaces;
            let mut begin = begin as usize;
            for n in 1..=largest {
                let Some(&first) = bytes.get(begin) else { break };
                let end = self.starts.get(at + n).map_or(bytes.len(), |&end| end as usize);
                for &byte in &bytes[begin..end] {
                    for hash in &mut hashes[n.max(least) - 1..largest] {
                        *hash = step(*hash, byte);
                    }
                }
                let is_space = first == b' ';
                if n >= least && !(n == 1 && is_space) {
                    take(hashes[n - 1]);
                }
                if n > 1 && is_space {
                    break;
                }
                begin = end;
            }
        }
    }

    fn word_ngrams(
        &self,
        [least, largest]: [usize; 2],
        namespaces: &[u64; MAX_N],
        take: &mut impl FnMut(u64),
    ) {
        let bytes = self.text.as_bytes();
        for n in least..=largest {
            for words in self.words.windows(n) {
                let mut hash = namespaces[n - 1];
                for (at, &[begin, end]) in words.iter().enumerate() {
                    if at > 0 {
                        hash = step(hash, b' ');
                    }
                    hash = fnv(hash, &bytes[begin as usize..end as usize]);
                }
                take(hash);
            }
        }
    }
}

/// Whether a letter's script is written without spaces between words, or in syllables of which an LLM has a
/// token for one or two: Thai, Lao, Myanmar, Hangul, Khmer, Kana, Bopomofo, Yi and Han.
fn is_without_spaces(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF
        | 0x1000..=0x11FF
        | 0x1780..=0x17FF
        | 0x3040..=0x31FF
        | 0x3400..=0x4DBF
        | 0x4E00..=0xA4CF
        | 0xAC00..=0xD7FF
        | 0xF900..=0xFAFF
        | 0x20000..=0x3FFFF)
}

#[cfg(test)]
mod tests;
