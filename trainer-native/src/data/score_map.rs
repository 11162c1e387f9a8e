//! Reads the `scores` object of both JSON formats, `{model: number in [0, 1]}`, and the `costs`
//! object beside it, `{model: US dollars}`.
//!
//! A visitor of its own reads them, because a plain map would silently keep the last of two entries
//! for one model.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::bad_row::{RowFault, checked_cost, checked_score};

/// Entries in file order, not yet checked.
#[derive(Debug)]
pub(super) struct ScoreMap(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for ScoreMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = ScoreMap;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of model names and scores")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ScoreMap, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(ScoreMap(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// Names and messages for the numbers of a map.
struct Kind {
    name: &'static str,
    expected: &'static str,
    wrong_type: &'static str,
    check: fn(&str, f64) -> Result<f32, RowFault>,
}

const SCORE: Kind = Kind {
    name: "score",
    expected: "a number in [0, 1]",
    wrong_type: "score_not_a_number",
    check: checked_score,
};

const COST: Kind = Kind {
    name: "cost",
    expected: "US dollars, 0 or more",
    wrong_type: "cost_not_a_number",
    check: checked_cost,
};

impl ScoreMap {
    /// The stated scores. `null` means "not measured" and gives no entry.
    pub fn into_scores(self) -> Result<Vec<(String, f32)>, RowFault> {
        self.into_values(&SCORE)
    }

    /// The stated costs, in US dollars.
    pub fn into_costs(self) -> Result<Vec<(String, f32)>, RowFault> {
        self.into_values(&COST)
    }

    fn into_values(self, kind: &Kind) -> Result<Vec<(String, f32)>, RowFault> {
        let Kind { name, expected, wrong_type, check } = kind;
        let mut values: Vec<(String, f32)> = Vec::with_capacity(self.0.len());
        let mut seen = HashSet::with_capacity(self.0.len());
        for (model, value) in self.0 {
            if model.trim().is_empty() {
                return Err(RowFault::new(
                    "empty_model_name",
                    format!("found a {name} without a model's name, expected a name"),
                ));
            }
            if !seen.insert(model.clone()) {
                return Err(RowFault::new(
                    "duplicate_model",
                    format!("found two {name}s for {model:?}, expected one"),
                ));
            }
            match value {
                Value::Null => {}
                Value::Number(number) => {
                    // A number too large for f64 arrives as None or infinity: out of range either way.
                    let value = check(&model, number.as_f64().unwrap_or(f64::INFINITY))?;
                    values.push((model, value));
                }
                other => {
                    return Err(RowFault::new(
                        wrong_type,
                        format!(
                            "found {other} as the {name} for {model:?}, expected {expected}, or null where it was not measured"
                        ),
                    ));
                }
            }
        }
        Ok(values)
    }
}

/// Returns a required field, or the fault that names it.
pub(super) fn required<T>(field: Option<T>, name: &str) -> Result<T, RowFault> {
    field.ok_or_else(|| {
        RowFault::new("missing_field", format!("found no {name:?}, expected one in every row"))
    })
}
