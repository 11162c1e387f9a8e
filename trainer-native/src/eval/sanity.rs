//! The result of asking a bundle whether its decisions are sensible.
//!
//! The [`sanity`](crate::sanity) module makes it; [`Stored`](super::Stored) writes and reads it.

use serde::{Deserialize, Serialize};

use super::bootstrap;
use super::transfer::NeedCorrelations;

/// What a bundle does with the project's own requests, and with graded needs where some were given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SanityResult {
    /// Name of the bundle.
    pub bundle: String,
    pub kind: String,
    /// `static` or `transformer`.
    pub tier: String,
    /// SHA-256 of the project's own requests.
    pub cases_sha256: String,
    /// Seed of the typing errors.
    pub seed: u64,
    pub checks: Vec<Check>,
    /// The language of the project's translated prompts with which each is compared comes first.
    pub languages: Vec<LanguageRating>,
    /// Standard deviation of the languages' mean ratings, divided by that of all translated prompts'
    /// ratings.
    pub language_spread: f64,
    /// Intervals of the rank correlations.
    pub bootstrap: bootstrap::Settings,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<NeedCorrelations>,
}

/// A number of cases, and on how many the bundle did what it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub check: String,
    pub passed: usize,
    pub cases: usize,
}

/// Ratings, which are win rates, of the translated prompts in one language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LanguageRating {
    pub language: String,
    /// Mean rating of the easy prompts.
    pub easy: f64,
    /// Mean rating of the hard prompts.
    pub hard: f64,
    /// Share of the pairs of an easy and a hard prompt of this language that are rated in that order.
    pub in_order: f64,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::eval::transfer::tests::example as transfer;

    /// A result made up for tests.
    pub(crate) fn example() -> SanityResult {
        let transfer = transfer();
        let check = |check: &str, passed, cases| Check { check: check.to_owned(), passed, cases };
        let language = |language: &str, easy, hard, in_order| LanguageRating {
            language: language.to_owned(),
            easy,
            hard,
            in_order,
        };
        SanityResult {
            bundle: "made-up".into(),
            kind: "difficulty".into(),
            tier: "static".into(),
            cases_sha256: "ef".into(),
            seed: 1,
            checks: vec![check("pairs | of equal length", 13, 14), check("filler", 6, 6)],
            languages: vec![language("en", 0.25, 0.75, 1.0), language("zh", 0.5, 0.75, 0.875)],
            language_spread: 0.25,
            bootstrap: transfer.bootstrap,
            needs: transfer.needs,
        }
    }
}
