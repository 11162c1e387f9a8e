//! Gold answers: what an answer must say, and whether it does.
//!
//! | `gold` of a prompt | the answer is right where |
//! | --- | --- |
//! | `{"exact": "Paris"}`, or a list of texts | its final text equals one of them, [normalised](text::normalised) |
//! | `{"numeric": 42, "tolerance": 0.5}` | its final number is at most that far from 42 |
//! | `{"choice": "B"}` | the option that it chooses is B |
//! | `{"regex": "^\\d+$"}` | the expression matches somewhere in the trimmed answer |
//! | `{"json": {"a": 1}}` | the JSON that it states has that structure: order of members and spelling of numbers aside |
//! | `{"tests": "python3 -m pytest -q {answer}"}` | the command ends with 0 ([`command`](super::command)) |
//!
//! Reasoning that stands in the answer's text is taken away ([`without_reasoning`]).
//! What is compared is *extracted* first, without a look at the gold answer: what the last `\boxed{}`
//! holds, else what follows the last cue such as `Answer:`, else what the kind's own module says. An answer
//! from which nothing could be extracted scores 0 as a wrong one does, and is counted apart.

mod choice;
mod json;
mod number;
mod text;

use pointsman::judge::without_reasoning;
use regex::Regex;
use serde_json::{Map, Value};

use super::command::Tests;
use super::field_fault::{brief, shortened, wrong_type};
use super::mark::{Grade, Mark};

/// Changes where another text is extracted from an answer, or another mark is given.
pub(super) const VERSION: &str = "gold-1";
/// A number that the gold answer states without a tolerance is met within this part of it.
const RELATIVE_TOLERANCE: f64 = 1e-9;

/// What an answer must say.
#[derive(Debug, Clone)]
pub enum Gold {
    /// One of these texts.
    Exact(Vec<String>),
    Numeric {
        value: f64,
        tolerance: f64,
    },
    /// The letter of an option, upper case.
    Choice(char),
    Regex(Regex),
    Json(Value),
    /// A command that runs what the model wrote.
    Tests(Tests),
}

impl Gold {
    /// Reads the `gold` of a prompt. The error says what was found and what was expected.
    ///
    /// # Errors
    /// A text for the reason of a bad row.
    pub fn parse(gold: &Value) -> Result<Self, String> {
        let Value::Object(fields) = gold else {
            return Err(format!("found the gold answer {}, expected {EXPECTED}", brief(gold)));
        };
        let named: Vec<&str> =
            KINDS.into_iter().filter(|kind| fields.contains_key(*kind)).collect();
        let kind = match named.as_slice() {
            [kind] => *kind,
            [] => {
                return Err(format!("found the gold answer {}, expected {EXPECTED}", brief(gold)));
            }
            several => {
                let several = several.join(" and ");
                return Err(format!("found {several} in one gold answer, expected one of them"));
            }
        };
        let allowed: &[&str] = match kind {
            "numeric" => &["numeric", "tolerance"],
            "tests" => &["tests", "file", "files"],
            other => &[other],
        };
        if let Some(unknown) = fields.keys().find(|name| !allowed.contains(&name.as_str())) {
            let allowed = allowed.join(", ");
            return Err(format!(
                "found {unknown:?} in a gold answer of {kind}, expected {allowed}: take it out or correct its spelling"
            ));
        }
        match kind {
            "exact" => exact(fields.get(kind).unwrap_or(&Value::Null)),
            "numeric" => numeric(fields),
            "choice" => {
                let letter = fields.get(kind).and_then(Value::as_str).and_then(choice::sole_letter);
                letter.map(Self::Choice).ok_or_else(|| wrong_type(fields, kind, "a letter"))
            }
            "regex" => {
                let text = fields.get(kind).and_then(Value::as_str);
                let text = text.ok_or_else(|| wrong_type(fields, kind, "a regular expression"))?;
                Regex::new(text).map(Self::Regex).map_err(|error| {
                    let error = error.to_string().lines().last().unwrap_or_default().to_owned();
                    format!(
                        "found the regular expression {text:?}, which does not parse ({error}); expected the syntax of \
                         the crate regex, which has no look-around and no back-references"
                    )
                })
            }
            "json" => Ok(Self::Json(fields.get(kind).cloned().unwrap_or_default())),
            _ => Tests::parse(fields).map(Self::Tests),
        }
    }

    /// The name of the kind, as in the prompt.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Exact(_) => "exact",
            Self::Numeric { .. } => "numeric",
            Self::Choice(_) => "choice",
            Self::Regex(_) => "regex",
            Self::Json(_) => "json",
            Self::Tests(_) => "tests",
        }
    }

    /// Grades an answer to `query`. `None` for tests, which [`command::run`](super::command::run) runs.
    #[must_use]
    pub fn grade(&self, query: &str, answer: &str) -> Option<Grade> {
        let answer = without_reasoning(answer);
        let grade = match self {
            Self::Exact(golds) => {
                let found = text::final_text(answer);
                let right = found
                    .as_ref()
                    .is_some_and(|found| golds.iter().any(|gold| text::normalised(gold) == *found));
                Grade::of(found, right)
            }
            Self::Numeric { value, tolerance } => {
                let found = number::final_number(answer);
                let right = found.is_some_and(|found| (found - value).abs() <= *tolerance);
                Grade::of(found.map(|found| found.to_string()), right)
            }
            Self::Choice(gold) => {
                let found = choice::chosen(query, answer);
                Grade::of(found.map(String::from), found == Some(*gold))
            }
            Self::Regex(regex) => {
                let found = regex.find(answer.trim()).map(|found| found.as_str().to_owned());
                let mark = if found.is_some() { Mark::Right } else { Mark::Wrong };
                Grade { extracted: found, mark }
            }
            Self::Json(gold) => {
                let found = json::final_json(answer);
                let right = found.as_ref().is_some_and(|found| json::equal(found, gold));
                Grade::of(found.map(|found| json::canonical(&found)), right)
            }
            Self::Tests(_) => return None,
        };
        Some(Grade { extracted: grade.extracted.map(shortened), ..grade })
    }

    /// The answer in the form in which answers of several LLMs are counted as the same; `None` where
    /// nothing was found, and of the kinds that extract no answer (`regex`, `tests`).
    #[must_use]
    pub fn vote(&self, query: &str, answer: &str) -> Option<String> {
        let answer = without_reasoning(answer);
        match self {
            Self::Exact(_) => text::final_text(answer),
            Self::Numeric { .. } => number::final_number(answer).map(|found| found.to_string()),
            Self::Choice(_) => choice::chosen(query, answer).map(String::from),
            Self::Json(_) => json::final_json(answer).map(|found| json::canonical(&found)),
            Self::Regex(_) | Self::Tests(_) => None,
        }
    }
}

/// Checks that a prompt's `gold` can be used, for [`AnswerSet::open`](crate::data::AnswerSet::open).
///
/// # Errors
/// Those of [`Gold::parse`].
pub fn check_gold(gold: &Value) -> Result<(), String> {
    Gold::parse(gold).map(|_| ())
}

const KINDS: [&str; 6] = ["exact", "numeric", "choice", "regex", "json", "tests"];
const EXPECTED: &str = "an object with one of exact, numeric, choice, regex, json, tests";

fn exact(gold: &Value) -> Result<Gold, String> {
    let texts: Option<Vec<String>> = match gold {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(texts) => texts.iter().map(|text| text.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    let texts = texts.filter(|texts| {
        !texts.is_empty() && texts.iter().all(|text| !text::normalised(text).is_empty())
    });
    texts.map(Gold::Exact).ok_or_else(|| {
        let remedy = if gold.is_number() { " (a number belongs into \"numeric\")" } else { "" };
        format!(
            "found {} as \"exact\", expected a text or a list of texts, none empty{remedy}",
            brief(gold)
        )
    })
}

fn numeric(fields: &Map<String, Value>) -> Result<Gold, String> {
    let number = |name: &str| fields.get(name).and_then(Value::as_f64).filter(|n| n.is_finite());
    let value = number("numeric").ok_or_else(|| wrong_type(fields, "numeric", "a number"))?;
    let tolerance = match fields.get("tolerance") {
        None => RELATIVE_TOLERANCE * value.abs(),
        Some(_) => number("tolerance")
            .filter(|tolerance| *tolerance >= 0.0)
            .ok_or_else(|| wrong_type(fields, "tolerance", "a number, 0 or more"))?,
    };
    Ok(Gold::Numeric { value, tolerance })
}

#[cfg(test)]
mod tests;
