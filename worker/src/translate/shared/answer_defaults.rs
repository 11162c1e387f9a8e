//! What an answer gets that its upstream leaves out.

use std::collections::BTreeSet;

use pointsman::sha256_hex;
use serde_json::Value;

/// The answer's id, model and time, where the upstream states none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerDefaults<'a> {
    /// The id, which differs between requests.
    pub(crate) id: &'a str,
    /// The upstream's name of the model.
    pub(crate) model: &'a str,
    /// Seconds since 1970.
    pub(crate) created: u64,
}

impl AnswerDefaults<'_> {
    /// The answer's own id, or the one made for it.
    pub(crate) fn id_of(&self, answer: &Value) -> String {
        stated(&answer["id"]).unwrap_or(self.id).to_owned()
    }

    /// The model that the answer names, or the one that was asked for.
    pub(crate) fn model_of(&self, answer: &Value) -> String {
        stated(&answer["model"]).unwrap_or(self.model).to_owned()
    }

    /// The ids of calls that come without one: those of two answers differ, also of equal ones.
    pub(crate) fn call_ids(&self, prefix: &str, answer: &str) -> MadeIds {
        let hash = sha256_hex(format!("{}\n{}\n{answer}", self.id, self.created).as_bytes());
        MadeIds { made: format!("{prefix}_{}", &hash[..16]), given: BTreeSet::new() }
    }
}

/// The ids of an answer's calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct MadeIds {
    made: String,
    given: BTreeSet<String>,
}

impl MadeIds {
    /// The id that is made for the call at index `at`.
    pub(crate) fn of(&self, at: usize) -> String {
        format!("{}_{at}", self.made)
    }

    /// The id of the call at index `at`: its own, or a made one if it has none or another call's.
    pub(crate) fn unique(&mut self, own: &str, at: usize) -> String {
        match !own.is_empty() && self.given.insert(own.to_owned()) {
            true => own.to_owned(),
            false => self.of(at),
        }
    }
}

fn stated(text: &Value) -> Option<&str> {
    text.as_str().filter(|text| !text.is_empty())
}
