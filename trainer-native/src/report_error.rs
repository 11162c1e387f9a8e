//! Why a table, a page or a figure cannot be made of stored results.

/// What went wrong between results and reports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// A result, or a number of one, that a table or a figure needs is not stored.
    #[error("{detail}")]
    NoResults { detail: String },
    /// Results that may not stand in one table or figure, such as two of one seed.
    #[error("{detail}")]
    UnlikeResults { detail: String },
    /// A benchmark run that the page needs is not stored, or is not what a benchmark writes.
    #[error("{detail}")]
    BadRun { detail: String },
    /// A drawing that cannot be rendered.
    #[error(
        "drawing: {detail}. Expected a stand-alone SVG; this is a mistake of the program, please report it"
    )]
    BadDrawing { detail: String },
}

impl ReportError {
    /// No results to make this table of.
    pub(super) fn no_results(table: &str) -> Self {
        let detail = format!("found no results for {table}, expected at least one. Run eval first");
        Self::NoResults { detail }
    }

    /// Fewer points of a line than two, or than there are to draw.
    pub(super) fn too_few(
        of: &str,
        what: &str,
        found: usize,
        expected: usize,
        remedy: &str,
    ) -> Self {
        let detail = format!("{of}: found {found} {what}, expected at least {expected}. {remedy}");
        Self::NoResults { detail }
    }

    /// Two results of one router, benchmark and seed: a mean over them would count one run twice.
    pub(super) fn duplicate_seed(router: &str, benchmark: &str, seed: u64) -> Self {
        let detail = format!(
            "found two results of router {router:?} on {benchmark:?} with seed {seed}, expected one a \
             seed. Leave one file out"
        );
        Self::UnlikeResults { detail }
    }

    /// Results of one benchmark over other models, data sets or rows: a mean would mix tasks.
    pub(super) fn unlike(benchmark: &str, what: &str) -> Self {
        let detail = format!(
            "found results on {benchmark:?} with other {what} than the first of them, expected the \
             same. Name the benchmark otherwise, or leave one file out"
        );
        Self::UnlikeResults { detail }
    }

    /// Results of several benchmarks where one figure is of one.
    pub(super) fn mixed_benchmarks(found: &str, expected: &str) -> Self {
        let detail = format!(
            "found results of {found:?} beside {expected:?}, expected one benchmark a figure. Draw \
             them apart"
        );
        Self::UnlikeResults { detail }
    }

    /// Values on two scales where one axis is for one; `of` names the run.
    pub(super) fn unlike_values(of: &str, found: &str, expected: &str) -> Self {
        let detail = format!(
            "{of}: found {found}, expected {expected} as of the first run. Draw them apart"
        );
        Self::UnlikeResults { detail }
    }

    /// A stable name for programs, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoResults { .. } => "no_results",
            Self::UnlikeResults { .. } => "unlike_results",
            Self::BadRun { .. } => "bad_run",
            Self::BadDrawing { .. } => "bad_drawing",
        }
    }
}
