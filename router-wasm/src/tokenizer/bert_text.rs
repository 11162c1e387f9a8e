//! BERT's text rules: cleans text, separates Chinese characters, strips accents, lower-cases, splits
//! words.
//!
//! The order is the crate's: (1) control characters are removed and white space becomes a space,
//! (2) Chinese characters are put between spaces, (3) NFD, and marks without width are removed,
//! (4) lower case, (5) words end at white space, and each punctuation mark is a word. Character classes
//! come from the tables that the crate uses, so that both know the same Unicode version.
//!
//! Nearly all text is ASCII, where each byte is a character and one table does (1) to (5); other runs
//! of text go through the steps character by character. NFD never moves an ASCII character, nor
//! another character past it, so the runs can be processed one by one.

use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::UnicodeNormalization;

/// The rules of one file: a `BertNormalizer` or none, then a `BertPreTokenizer`.
pub(super) struct BertText {
    rules: Rules,
    ascii: [Ascii; 128],
}

/// The steps of a `BertNormalizer`; none of them where the file has no normalizer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Rules {
    pub clean_text: bool,
    pub handle_chinese_chars: bool,
    pub strip_accents: bool,
    pub lowercase: bool,
}

/// What becomes of an ASCII character.
#[derive(Debug, Clone, Copy)]
struct Ascii {
    class: Class,
    /// The byte in a word.
    written: u8,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Class {
    Letter,
    Space,
    Punctuation,
    /// Removed, without ending a word.
    Nothing,
}

/// The word being put together.
pub(super) struct Word {
    bytes: Vec<u8>,
    chars: usize,
    /// Characters beyond which the bytes are not kept.
    max_chars: usize,
}

impl Word {
    pub(super) fn new(max_chars: usize) -> Self {
        Self { bytes: Vec::new(), chars: 0, max_chars }
    }

    /// Its UTF-8; `None` where it is longer than any word that is looked up.
    pub(super) fn text(&self) -> Option<&[u8]> {
        (self.chars <= self.max_chars).then_some(&self.bytes)
    }

    fn push(&mut self, c: char) {
        self.chars += 1;
        if self.chars <= self.max_chars {
            self.bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn push_ascii(&mut self, count: usize, bytes: impl Iterator<Item = u8>) {
        self.chars += count;
        if self.chars <= self.max_chars {
            self.bytes.extend(bytes);
        }
    }

    /// Gives the word to `take`, where there is one, and begins the next.
    fn end(&mut self, take: &mut impl FnMut(&Self)) {
        if self.chars > 0 {
            take(self);
            self.bytes.clear();
            self.chars = 0;
        }
    }
}

impl BertText {
    pub(super) fn new(rules: Rules) -> Self {
        let ascii = std::array::from_fn(|byte| {
            let byte = byte as u8;
            let c = char::from(byte);
            let class = match c {
                _ if rules.clean_text && is_removed(c) => Class::Nothing,
                _ if c.is_whitespace() => Class::Space,
                _ if is_punctuation(c) => Class::Punctuation,
                _ => Class::Letter,
            };
            let written = if rules.lowercase { byte.to_ascii_lowercase() } else { byte };
            Ascii { class, written }
        });
        Self { rules, ascii }
    }

    /// Gives each word of `text` in turn; `word` is a buffer and is empty before and after.
    pub(super) fn for_each_word(&self, text: &str, word: &mut Word, mut take: impl FnMut(&Word)) {
        let take = &mut take;
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let Some(ascii) = self.ascii(byte) else {
                let run = self
                    .run(&bytes[at..], |class| class.is_none_or(|class| class == Class::Nothing));
                self.take_characters(&text[at..at + run], word, take);
                at += run;
                continue;
            };
            let mut run = 1;
            match ascii.class {
                Class::Letter => {
                    run = self.run(&bytes[at..], |class| class == Some(Class::Letter));
                    let letters = bytes[at..at + run].iter();
                    let written = letters.map(|&b| self.ascii[usize::from(b & 0x7f)].written);
                    word.push_ascii(run, written);
                }
                Class::Space => word.end(take),
                Class::Punctuation => {
                    word.end(take);
                    word.push(char::from(byte));
                    word.end(take);
                }
                Class::Nothing => {}
            }
            at += run;
        }
        word.end(take);
    }

    fn ascii(&self, byte: u8) -> Option<Ascii> {
        self.ascii.get(usize::from(byte)).copied()
    }

    /// How many bytes from the beginning on are of a class; `None` is the class of non-ASCII.
    fn run(&self, bytes: &[u8], of: impl Fn(Option<Class>) -> bool) -> usize {
        let end = bytes.iter().position(|&b| !of(self.ascii(b).map(|ascii| ascii.class)));
        end.unwrap_or(bytes.len())
    }

    /// All steps, character by character.
    fn take_characters(&self, text: &str, word: &mut Word, take: &mut impl FnMut(&Word)) {
        let Rules { clean_text, handle_chinese_chars, strip_accents, .. } = self.rules;
        let clean = text.chars().filter(|&c| !(clean_text && is_removed(c)));
        let clean = clean.map(|c| if clean_text && c.is_whitespace() { ' ' } else { c });
        let apart = clean.flat_map(|c| {
            let space = (handle_chinese_chars && is_chinese(c)).then_some(' ');
            [space, Some(c), space].into_iter().flatten()
        });
        if strip_accents {
            for (c, _) in apart.nfd().filter(|(c, _)| !c.is_mark_nonspacing()) {
                self.take_lower(c, word, take);
            }
        } else {
            for c in apart {
                self.take_lower(c, word, take);
            }
        }
    }

    /// The last steps for one character: lower case, and whether a word ends.
    fn take_lower(&self, c: char, word: &mut Word, take: &mut impl FnMut(&Word)) {
        let mut step = |c: char| {
            if c.is_whitespace() {
                word.end(take);
            } else if is_punctuation(c) {
                word.end(take);
                word.push(c);
                word.end(take);
            } else {
                word.push(c);
            }
        };
        match self.rules.lowercase {
            true => c.to_lowercase().for_each(step),
            false => step(c),
        }
    }
}

/// Control and format characters, private use, and the replacement character. Tab and line ends are
/// white space instead.
fn is_removed(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\0' | '\u{fffd}' => true,
        _ => c.is_other(),
    }
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() || c.is_punctuation()
}

/// Blocks of Chinese ideographs, compatibility ideographs among them: the crate's list, in which one
/// block begins at U+2B920 and not, as in Unicode, at U+2B820.
fn is_chinese(c: char) -> bool {
    matches!(u32::from(c),
        0x3400..=0x4DBF
        | 0x4E00..=0x9FFF
        | 0xF900..=0xFAFF
        | 0x20000..=0x2A6DF
        | 0x2A700..=0x2B73F
        | 0x2B740..=0x2B81F
        | 0x2B920..=0x2CEAF
        | 0x2F800..=0x2FA1F)
}
