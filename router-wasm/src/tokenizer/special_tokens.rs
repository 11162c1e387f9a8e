//! The special tokens around a query, from the file's `post_processor`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Tokens;
use super::fields::{Fields, Unreadable, list, number, text};
use super::kept::Kept;

/// The tokens that stand before and after a query's own, such as `[CLS]` and `[SEP]`.
#[derive(Debug, Default)]
pub(super) struct SpecialTokens {
    pub before: Vec<u32>,
    pub after: Vec<u32>,
}

/// A part of a template.
enum Piece {
    Query,
    /// The second of two sequences: no query has one.
    Second,
    Special(String),
}

impl SpecialTokens {
    /// Reads them from a processor that puts fixed tokens around one sequence, or from none.
    pub(super) fn from_processor(processor: Value) -> Result<Self, Unreadable> {
        if processor.is_null() {
            return Ok(Self::default());
        }
        let mut fields = Fields::of(processor)?;
        let around = match &fields.text("type")?[..] {
            "BertProcessing" => Self {
                before: vec![named_id(fields.value("cls"))?],
                after: vec![named_id(fields.value("sep"))?],
            },
            "TemplateProcessing" => {
                let single = pieces(fields.list("single")?)?;
                pieces(fields.list("pair")?)?;
                let named = fields.object("special_tokens")?.rest().into_iter();
                let named = named.map(|(name, token)| Ok((name, special_token(token)?)));
                Self::from_template(single, &named.collect::<Result<_, Unreadable>>()?)?
            }
            _ => return Err(Unreadable::Other),
        };
        fields.end()?;
        Ok(around)
    }

    /// How many stand around a query.
    pub(super) fn count(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// The tokens that the graph takes: those that were kept, and these around them where they are `wanted`.
    pub(super) fn finish(&self, kept: Kept, wanted: bool) -> Tokens {
        let (ids, total) = kept.finish();
        let rated = ids.len();
        let (before, after) = match wanted {
            true => (&self.before[..], &self.after[..]),
            false => (&[][..], &[][..]),
        };
        let ids = [before, &ids, after].concat();
        let ids: Vec<i64> = ids.into_iter().map(i64::from).collect();
        Tokens { total, rated, ..Tokens::from_ids(ids) }
    }

    fn from_template(
        single: Vec<Piece>,
        named: &BTreeMap<String, Vec<u32>>,
    ) -> Result<Self, Unreadable> {
        let mut around = Self::default();
        let mut queries = 0;
        for piece in single {
            match piece {
                Piece::Query => queries += 1,
                Piece::Second => return Err(Unreadable::Other),
                Piece::Special(name) => {
                    let ids = named.get(&name).ok_or_else(|| {
                        Unreadable::Damaged(format!(
                            "its post_processor inserts the special token {name:?} and does not \
                             list it under special_tokens"
                        ))
                    })?;
                    match queries {
                        0 => around.before.extend(ids),
                        _ => around.after.extend(ids),
                    }
                }
            }
        }
        match queries {
            1 => Ok(around),
            _ => Err(Unreadable::Other),
        }
    }
}

/// The id of `["[CLS]", 101]`.
fn named_id(value: Value) -> Result<u32, Unreadable> {
    match &list(value)?[..] {
        [Value::String(_), id] => number(id),
        _ => Err(Unreadable::Other),
    }
}

/// The pieces of `[{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, ..]`.
fn pieces(values: Vec<Value>) -> Result<Vec<Piece>, Unreadable> {
    let piece = |value| {
        let mut fields = Fields::of(value)?.rest().into_iter();
        let (Some((kind, value)), None) = (fields.next(), fields.next()) else {
            return Err(Unreadable::Other);
        };
        let mut fields = Fields::of(value)?;
        let id = fields.text("id")?;
        fields.number("type_id")?;
        fields.end()?;
        match (&kind[..], &id[..]) {
            ("Sequence", "A") => Ok(Piece::Query),
            ("Sequence", "B") => Ok(Piece::Second),
            ("SpecialToken", _) => Ok(Piece::Special(id)),
            _ => Err(Unreadable::Other),
        }
    };
    values.into_iter().map(piece).collect()
}

/// The ids of `{"id": "[CLS]", "ids": [101], "tokens": ["[CLS]"]}`.
fn special_token(value: Value) -> Result<Vec<u32>, Unreadable> {
    let mut fields = Fields::of(value)?;
    fields.text("id")?;
    let ids: Vec<u32> = fields.list("ids")?.iter().map(number).collect::<Result<_, _>>()?;
    let tokens = fields.list("tokens")?.into_iter().map(text);
    let tokens: Vec<String> = tokens.collect::<Result<_, _>>()?;
    fields.end()?;
    match tokens.len() == ids.len() {
        true => Ok(ids),
        false => Err(Unreadable::Other),
    }
}
