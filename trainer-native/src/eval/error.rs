//! Why an evaluation has no answer. A metric that is undefined is an error here, never a NaN.

/// Why a metric cannot be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvalError {
    /// No rows to evaluate.
    #[error("found no rows to evaluate, expected at least one. Check that removing leaks left any")]
    NoRows,
    /// A win rate or a score that is NaN or infinite.
    #[error(
        "row {row}: found the {what} {value}, expected a finite number. Check the router's output"
    )]
    NotFinite {
        /// Position of the row, from 0.
        row: usize,
        /// `win rate`, `weak score`, `strong score`.
        what: &'static str,
        /// What stands there.
        value: f64,
    },
    /// The strong model does not beat the weak one, so that the gap to recover is none.
    #[error(
        "found mean scores {weak} (weak) and {strong} (strong), expected the strong model's to be higher: PGR is undefined otherwise. Swap the models, or choose another pair"
    )]
    NoGap {
        /// Mean score of the weak model.
        weak: f64,
        /// Mean score of the strong model.
        strong: f64,
    },
    /// Every query got the same win rate: no threshold tells queries apart.
    #[error(
        "found the win rate {value} for every row, expected at least two values. The router has not learnt anything, or was given one query only"
    )]
    ConstantWinRate {
        /// The only win rate.
        value: f64,
    },
    /// A share, quality or threshold outside [0, 1].
    #[error("found {what} {value}, expected a number in [0, 1]")]
    NotAFraction {
        /// What it stands for.
        what: &'static str,
        /// What was given.
        value: f64,
    },
    /// Two lists that belong together row by row differ in length.
    #[error("found {found} {what}, expected {expected}: one a row")]
    LengthMismatch {
        /// What is listed.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many rows there are.
        expected: usize,
    },
    /// A mean over no draws.
    #[error("found 0 random draws, expected at least one")]
    NoDraws,
}

impl EvalError {
    /// A stable name for programs, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRows => "no_rows",
            Self::NotFinite { .. } => "not_finite",
            Self::NoGap { .. } => "no_gap",
            Self::ConstantWinRate { .. } => "constant_win_rate",
            Self::NotAFraction { .. } => "not_a_fraction",
            Self::LengthMismatch { .. } => "length_mismatch",
            Self::NoDraws => "no_draws",
        }
    }
}
