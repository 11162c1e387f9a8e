//! Errors of an evaluation. An undefined metric is an error, never a NaN.

/// Why rows cannot be evaluated, or a stored result cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvalError {
    #[error("found no rows to evaluate, expected at least one. Check that removing leaks left any")]
    NoRows,
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
    /// A number of a row is outside of what can be evaluated.
    #[error("row {row}: {detail}")]
    BadRow { row: usize, detail: String },
    /// A setting, or rows, columns and models that do not belong together.
    #[error("{detail}")]
    BadInput { detail: String },
    /// One router of several has no metrics, for the reason given.
    #[error("router {router:?}: {cause}")]
    Router { router: String, cause: Box<EvalError> },
    /// A file or a text that is no stored result of this version.
    #[error("stored result: {detail}")]
    BadResult { detail: String },
}

impl EvalError {
    /// Attributes the error to the named router.
    pub(super) fn of(self, router: &str) -> Self {
        Self::Router { router: router.to_owned(), cause: Box::new(self) }
    }

    /// A stable name for programs, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRows => "no_rows",
            Self::NoGap { .. } => "no_gap",
            Self::ConstantWinRate { .. } => "constant_win_rate",
            Self::NoCostRange { .. } => "no_cost_range",
            Self::BadRow { .. } => "bad_row",
            Self::BadInput { .. } => "bad_input",
            Self::Router { cause, .. } => cause.code(),
            Self::BadResult { .. } => "bad_result",
        }
    }
}

/// Refuses a score outside [0, 1], the scale of reliability and cost. `what` names it: `weak score`.
pub(super) fn check_score(row: usize, what: &str, value: f64) -> Result<(), EvalError> {
    // NaN is in no range.
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    let detail = format!(
        "found the {what} {value}, expected a number in [0, 1]. Divide scores by the benchmark's \
         highest, and state that as the score scale"
    );
    Err(EvalError::BadRow { row, detail })
}

/// Refuses a cost that is negative, NaN or infinite.
pub(super) fn check_cost(row: usize, what: &str, value: f64) -> Result<(), EvalError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    let detail = format!(
        "found the {what} {value}, expected USD from 0 up, or nothing where the cost is not known"
    );
    Err(EvalError::BadRow { row, detail })
}

/// Refuses NaN and infinite numbers, of which no metric is defined.
pub(super) fn check_finite(row: usize, what: &str, value: f64) -> Result<(), EvalError> {
    if value.is_finite() {
        return Ok(());
    }
    let detail =
        format!("found the {what} {value}, expected a finite number. Check the router's output");
    Err(EvalError::BadRow { row, detail })
}

/// Refuses a share, quality or threshold outside [0, 1].
pub(super) fn check_fraction(what: &str, value: f64) -> Result<(), EvalError> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    let detail = format!("found {what} {value}, expected a number in [0, 1]");
    Err(EvalError::BadInput { detail })
}

/// Refuses zero.
pub(super) fn check_some(what: &str, count: usize) -> Result<(), EvalError> {
    if count > 0 {
        return Ok(());
    }
    Err(EvalError::BadInput { detail: format!("found 0 {what}, expected at least one") })
}

/// Refuses lists that differ in length where they belong together row by row.
pub(super) fn check_length(what: &str, found: usize, expected: usize) -> Result<(), EvalError> {
    if found == expected {
        return Ok(());
    }
    let detail = format!("found {found} {what}, expected {expected}: one a row");
    Err(EvalError::BadInput { detail })
}
