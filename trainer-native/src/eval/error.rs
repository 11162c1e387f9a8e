//! Errors of an evaluation. An undefined metric is an error, never a NaN.

/// Why a metric cannot be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvalError {
    #[error("found no rows to evaluate, expected at least one. Check that removing leaks left any")]
    NoRows,
    /// A win rate or a score is NaN or infinite.
    #[error(
        "row {row}: found the {what} {value}, expected a finite number. Check the router's output"
    )]
    NotFinite {
        row: usize,
        /// `win rate`, `weak score`, `strong score`.
        what: &'static str,
        value: f64,
    },
    /// The strong model does not beat the weak one: there is no gap to recover.
    #[error(
        "found mean scores {weak} (weak) and {strong} (strong), expected the strong model's to be higher: PGR is undefined otherwise. Swap the models, or choose another pair"
    )]
    NoGap {
        /// Mean score of the weak model.
        weak: f64,
        /// Mean score of the strong model.
        strong: f64,
    },
    /// Every query got the same win rate: no threshold separates queries.
    #[error(
        "found the win rate {value} for every row, expected at least two values. The router has not learnt anything, or was given one query only"
    )]
    ConstantWinRate { value: f64 },
    /// A share, quality or threshold outside [0, 1].
    #[error("found {what} {value}, expected a number in [0, 1]")]
    NotAFraction { what: &'static str, value: f64 },
    /// Two lists that belong together row by row differ in length.
    #[error("found {found} {what}, expected {expected}: one a row")]
    LengthMismatch { what: &'static str, found: usize, expected: usize },
    /// A score is outside [0, 1], the scale of reliability and cost.
    #[error(
        "row {row}: found the {what} {value}, expected a number in [0, 1]. Divide scores by the benchmark's highest, and state that as the score scale"
    )]
    ScoreOutOfRange {
        row: usize,
        /// `weak score`, `strong score`.
        what: &'static str,
        value: f64,
    },
    /// A cost is negative, NaN or infinite.
    #[error(
        "row {row}: found the {what} {value}, expected USD from 0 up, or nothing where the cost is not known"
    )]
    BadCost {
        row: usize,
        /// `weak cost`, `strong cost`.
        what: &'static str,
        value: f64,
    },
    /// A number that must be at least one is zero.
    #[error("found 0 {what}, expected at least one")]
    ZeroCount { what: &'static str },
    /// Two routers of one evaluation have the same name and origin.
    #[error("found two routers named {name:?} ({origin}), expected one of each name and origin")]
    DuplicateRouter {
        name: String,
        /// `int8`, `float` or `baseline`.
        origin: &'static str,
    },
    /// A router of many models picks one that does not exist.
    #[error(
        "row {row}: found the pick {pick}, expected the place of one of {models} models, from 0. Give the router's models in the order of the rows' scores"
    )]
    UnknownPick { row: usize, pick: usize, models: usize },
    /// A cost-quality curve does not reach down to the lower end of the range.
    #[error(
        "found a cost-quality curve that begins at {found} USD, expected at most {expected}: the range begins there. Add the point that calls the cheapest model always"
    )]
    CostRange {
        /// Least cost of the curve.
        found: f64,
        /// Lower end of the range.
        expected: f64,
    },
    /// The models' mean costs do not differ, so that cost buys nothing.
    #[error(
        "found the cost range {low} to {high} USD, expected two models of different mean cost. Leave the costs out, or check their unit"
    )]
    NoCostRange {
        /// Least mean cost of a model.
        low: f64,
        /// Largest mean cost of a model.
        high: f64,
    },
    /// One router of several has no metrics, for the reason given.
    #[error("router {router:?}: {source}")]
    Router { router: String, source: Box<EvalError> },
    /// A mean is over no draws.
    #[error("found 0 random draws, expected at least one")]
    NoDraws,
}

impl EvalError {
    /// Attributes the error to the named router.
    pub(super) fn of(self, router: &str) -> Self {
        Self::Router { router: router.to_owned(), source: Box::new(self) }
    }

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
            Self::ScoreOutOfRange { .. } => "score_out_of_range",
            Self::BadCost { .. } => "bad_cost",
            Self::ZeroCount { .. } => "zero_count",
            Self::DuplicateRouter { .. } => "duplicate_router",
            Self::UnknownPick { .. } => "unknown_pick",
            Self::CostRange { .. } => "cost_range",
            Self::NoCostRange { .. } => "no_cost_range",
            Self::Router { source, .. } => source.code(),
            Self::NoDraws => "no_draws",
        }
    }
}
