//! Added tokens: texts such as `[SEP]` that are found in the raw query before anything else.
//!
//! Only tokens that match the raw text (`normalized` false), also inside words (`single_word` false),
//! are read here; a file with others goes to the `tokenizers` crate.

use serde_json::Value;

use super::fields::{Fields, Unreadable};

/// More tokens than this go to the `tokenizers` crate, which searches for all of them in one pass.
const MOST: usize = 64;

/// A stretch of a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Part<'a> {
    /// Text between added tokens; not empty.
    Text(&'a str),
    /// An added token's id.
    Token(u32),
}

pub(super) struct AddedTokens {
    /// Longest first: at one place the longest match counts.
    tokens: Vec<Token>,
    /// Whether a token begins with the byte.
    first: [bool; 256],
    /// How many are not in the model's vocabulary.
    pub beyond_vocabulary: usize,
}

/// The pieces of a model.
pub(super) struct Known<'a> {
    /// The id of a piece.
    pub id: &'a dyn Fn(&str) -> Option<u32>,
    /// How many there are.
    pub count: usize,
    /// Whether their ids run from 0 without a hole.
    pub dense: bool,
}

struct Token {
    content: String,
    id: u32,
    lstrip: bool,
    rstrip: bool,
}

impl AddedTokens {
    /// Reads a file's `added_tokens`, given its model's pieces.
    pub(super) fn new(listed: Vec<Value>, known: &Known<'_>) -> Result<Self, Unreadable> {
        let mut first = [false; 256];
        let mut tokens: Vec<Token> = Vec::new();
        let mut beyond_vocabulary = 0;
        if listed.len() > MOST {
            return Err(Unreadable::Other);
        }
        for listed in listed {
            let mut fields = Fields::of(listed)?;
            let (id, content) = (fields.number("id")?, fields.text("content")?);
            let (lstrip, rstrip) = (fields.flag("lstrip")?, fields.flag("rstrip")?);
            let (single_word, normalized) =
                (fields.flag("single_word")?, fields.flag("normalized")?);
            // Only decoding asks whether a token is special.
            fields.flag("special")?;
            fields.end()?;
            // The crate gives an unknown token the next free id, whatever the file says.
            let given = (known.id)(&content).map(|id| id as usize).unwrap_or_else(|| {
                beyond_vocabulary += 1;
                known.count + beyond_vocabulary - 1
            });
            let twice = tokens.iter().any(|token| token.content == content);
            if single_word || normalized || twice || given != id as usize {
                return Err(Unreadable::Other);
            }
            let Some(&byte) = content.as_bytes().first() else {
                return Err(Unreadable::Other);
            };
            first[usize::from(byte)] = true;
            tokens.push(Token { content, id, lstrip, rstrip });
        }
        // The crate's next free id is then another token's.
        if beyond_vocabulary > 0 && !known.dense {
            return Err(Unreadable::Other);
        }
        // Such a token could be inside the white space that another token's match removes.
        if tokens.iter().any(|token| token.rstrip)
            && tokens.iter().any(|token| token.content.starts_with(char::is_whitespace))
        {
            return Err(Unreadable::Other);
        }
        tokens.sort_by_key(|token| std::cmp::Reverse(token.content.len()));
        Ok(Self { tokens, first, beyond_vocabulary })
    }

    /// Splits `text` at the added tokens: the leftmost match counts, at one position the longest, and
    /// the search goes on behind it. `lstrip` and `rstrip` remove the white space beside a match.
    pub(super) fn for_each_part<'a>(&self, text: &'a str, mut part: impl FnMut(Part<'a>)) {
        // Where the next text part begins.
        let mut begin = 0;
        let mut searched = 0;
        while let Some((at, token)) = self.next_match(text, searched) {
            searched = at + token.content.len();
            let start = match token.lstrip {
                true => text[..at].trim_end().len().max(begin),
                false => at,
            };
            let rest = &text[searched..];
            let stripped = match token.rstrip {
                true => rest.len() - rest.trim_start().len(),
                false => 0,
            };
            if begin < start {
                part(Part::Text(&text[begin..start]));
            }
            part(Part::Token(token.id));
            begin = searched + stripped;
        }
        if begin < text.len() {
            part(Part::Text(&text[begin..]));
        }
    }

    fn next_match(&self, text: &str, from: usize) -> Option<(usize, &Token)> {
        let bytes = text.as_bytes();
        let mut at = from;
        while let Some(ahead) = bytes[at..].iter().position(|&b| self.first[usize::from(b)]) {
            at += ahead;
            let rest = &bytes[at..];
            let found = self.tokens.iter().find(|t| rest.starts_with(t.content.as_bytes()));
            if let Some(token) = found {
                return Some((at, token));
            }
            at += 1;
        }
        None
    }
}
