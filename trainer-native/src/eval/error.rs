//! Why an evaluation has no answer. A metric that is undefined is an error here, never a NaN.

/// Why a metric cannot be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvalError {
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
    ConstantWinRate { value: f64 },
    /// A share, quality or threshold outside [0, 1].
    #[error("found {what} {value}, expected a number in [0, 1]")]
    NotAFraction { what: &'static str, value: f64 },
    /// Two lists that belong together row by row differ in length.
    #[error("found {found} {what}, expected {expected}: one a row")]
    LengthMismatch {
        what: &'static str,
        found: usize,
        /// How many rows there are.
        expected: usize,
    },
    /// A score outside [0, 1]: reliability and money are stated on that scale.
    #[error(
        "row {row}: found the {what} {value}, expected a number in [0, 1]. Divide scores by the benchmark's highest, and state that as the score scale"
    )]
    ScoreOutOfRange {
        /// Position of the row, from 0.
        row: usize,
        /// `weak score`, `strong score`.
        what: &'static str,
        value: f64,
    },
    /// A cost that is negative, NaN or infinite.
    #[error(
        "row {row}: found the {what} {value}, expected USD from 0 up, or nothing where the cost is not known"
    )]
    BadCost {
        /// Position of the row, from 0.
        row: usize,
        /// `weak cost`, `strong cost`.
        what: &'static str,
        value: f64,
    },
    /// A number of things that must be at least one.
    #[error("found 0 {what}, expected at least one")]
    ZeroCount {
        /// What is counted.
        what: &'static str,
    },
    /// Two routers of one evaluation under one name and precision.
    #[error(
        "found two routers named {name:?} ({precision}), expected one of each name and precision"
    )]
    DuplicateRouter {
        name: String,
        /// `int8`, `float` or `baseline`.
        precision: &'static str,
    },
    /// A router of many models that picks one there is not.
    #[error(
        "row {row}: found the pick {pick}, expected the place of one of {models} models, from 0. Give the router's models in the order of the rows' scores"
    )]
    UnknownPick {
        /// Position of the row, from 0.
        row: usize,
        pick: usize,
        /// How many models there are.
        models: usize,
    },
    /// A cost-quality curve that says nothing about the lower end of the range asked for.
    #[error(
        "found a cost-quality curve that begins at {found} USD, expected at most {expected}: the range begins there. Add the point that calls the cheapest model always"
    )]
    CostRange {
        /// Least cost of the curve.
        found: f64,
        /// Lower end of the range.
        expected: f64,
    },
    /// Models whose mean costs do not differ, so that money buys nothing.
    #[error(
        "found the cost range {low} to {high} USD, expected two models of different mean cost. Leave the costs out, or check their unit"
    )]
    NoCostRange {
        /// Least mean cost of a model.
        low: f64,
        /// Largest mean cost of a model.
        high: f64,
    },
    /// A router of several, and why it has no metrics.
    #[error("router {router:?}: {source}")]
    Router {
        router: String,
        /// What is wrong with it.
        source: Box<EvalError>,
    },
    /// A mean over no draws.
    #[error("found 0 random draws, expected at least one")]
    NoDraws,
}

impl EvalError {
    /// The same fault, of the router so named.
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
