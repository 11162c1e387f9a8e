//! How an answer compares with a gold answer.

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    Right,
    Wrong,
    /// Nothing to compare was found in the answer.
    NothingFound,
}

impl Mark {
    /// 1 for a right answer, else 0.
    #[must_use]
    pub fn score(self) -> f32 {
        if self == Self::Right { 1.0 } else { 0.0 }
    }
}

/// A graded answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grade {
    /// What was compared, in the form in which it was compared; what matched, of an expression.
    pub extracted: Option<String>,
    pub mark: Mark,
}

impl Grade {
    pub(super) fn of(extracted: Option<String>, right: bool) -> Self {
        let mark = match (&extracted, right) {
            (None, _) => Mark::NothingFound,
            (Some(_), true) => Mark::Right,
            (Some(_), false) => Mark::Wrong,
        };
        Self { extracted, mark }
    }
}
