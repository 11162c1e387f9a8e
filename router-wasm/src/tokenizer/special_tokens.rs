//! The special tokens around a query, from the file's `post_processor`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::file::Unreadable;

/// The tokens that stand before and after a query's own, such as `[CLS]` and `[SEP]`.
#[derive(Debug, Default)]
pub(super) struct SpecialTokens {
    pub before: Vec<u32>,
    pub after: Vec<u32>,
}

/// The `post_processor`s that put fixed tokens around one sequence.
#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(super) enum PostProcessor {
    BertProcessing {
        sep: (String, u32),
        cls: (String, u32),
    },
    TemplateProcessing {
        single: Vec<Piece>,
        #[serde(rename = "pair")]
        _pair: Vec<Piece>,
        special_tokens: BTreeMap<String, SpecialToken>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) enum Piece {
    Sequence {
        id: Sequence,
        #[serde(rename = "type_id")]
        _type_id: u32,
    },
    SpecialToken {
        id: String,
        #[serde(rename = "type_id")]
        _type_id: u32,
    },
}

#[derive(Deserialize, PartialEq)]
pub(super) enum Sequence {
    A,
    B,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpecialToken {
    #[serde(rename = "id")]
    _id: String,
    ids: Vec<u32>,
    tokens: Vec<String>,
}

impl SpecialTokens {
    /// The tokens around the one sequence of a template.
    pub(super) fn from_processor(processor: Option<PostProcessor>) -> Result<Self, Unreadable> {
        let (single, named) = match processor {
            None => return Ok(Self::default()),
            Some(PostProcessor::BertProcessing { sep, cls }) => {
                return Ok(Self { before: vec![cls.1], after: vec![sep.1] });
            }
            Some(PostProcessor::TemplateProcessing { single, special_tokens, .. }) => {
                (single, special_tokens)
            }
        };
        let mut around = Self::default();
        let mut sequences = 0;
        for piece in single {
            match piece {
                Piece::Sequence { id: Sequence::A, .. } => sequences += 1,
                Piece::Sequence { id: Sequence::B, .. } => return Err(Unreadable::Other),
                Piece::SpecialToken { id, .. } => {
                    let token = named.get(&id).ok_or_else(|| {
                        Unreadable::Damaged(format!(
                            "its post_processor puts in the special token {id:?} and does not \
                             list it under special_tokens"
                        ))
                    })?;
                    if token.ids.len() != token.tokens.len() {
                        return Err(Unreadable::Other);
                    }
                    match sequences {
                        0 => around.before.extend(&token.ids),
                        _ => around.after.extend(&token.ids),
                    }
                }
            }
        }
        match sequences {
            1 => Ok(around),
            _ => Err(Unreadable::Other),
        }
    }
}
