//! Why a stored result cannot be read, or a table or a figure not be made of it.

/// What went wrong between results and reports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// A result file of another version, or no result file.
    #[error(
        "found format {found}, expected a benchmark result of format {expected}. Write it anew with this version's eval"
    )]
    ResultFormat {
        /// What the file states.
        found: String,
        /// What this version reads.
        expected: u32,
    },
    /// A result of the other form: of a pair instead of many models, or the reverse.
    #[error(
        "found a result of the form {found:?}, expected {expected:?}: routers of a pair and routers of many models are stored apart. Read it as what it is, or leave the file out"
    )]
    ResultForm {
        /// What the file states; a file that states none is a pair's.
        found: String,
        /// What was to be read.
        expected: &'static str,
    },
    /// A result file that is no JSON, or lacks a field.
    #[error("found no benchmark result: {detail}. Expected the JSON that eval writes")]
    BadResult {
        /// What the parser says.
        detail: String,
    },
    /// A number that is NaN or infinite.
    #[error(
        "found no finite number at {path}, expected one: a metric that is undefined is left out"
    )]
    NotFinite {
        /// Its place, as `routers[0].apgr`.
        path: String,
    },
    /// No results to make a table of.
    #[error("found no results for {table}, expected at least one. Run eval first")]
    NoResults {
        /// The table.
        table: &'static str,
    },
    /// Two results of one router, benchmark and seed: a mean over them would count one run twice.
    #[error(
        "found two results of router {router:?} on {benchmark:?} with seed {seed}, expected one a seed. Leave one file out"
    )]
    DuplicateSeed {
        /// The router.
        router: String,
        /// The benchmark.
        benchmark: String,
        /// The seed.
        seed: u64,
    },
    /// Results of one benchmark over other models or data sets: a mean over them would mix tasks.
    #[error(
        "found results on {benchmark:?} with other {what} than the first of them, expected the same. Name the benchmark otherwise, or leave one file out"
    )]
    UnlikeResults {
        /// The benchmark.
        benchmark: String,
        /// `models`, `data sets`.
        what: &'static str,
    },
    /// Results of several benchmarks where one figure is of one.
    #[error(
        "found results of {found:?} beside {expected:?}, expected one benchmark a figure. Draw them apart"
    )]
    MixedBenchmarks {
        /// The benchmark that differs.
        found: String,
        /// That of the first result.
        expected: String,
    },
    /// A figure of cost of results that state none.
    #[error(
        "{benchmark:?}: found no curve of cost and quality, expected rows that state every model's cost. Evaluate on data with costs, such as RouterBench"
    )]
    NoCosts {
        /// The benchmark.
        benchmark: String,
    },
    /// Too few points for a line.
    #[error("{of}: found {found} {what}, expected at least {expected}. {remedy}")]
    TooFewPoints {
        /// What the line is of.
        of: String,
        /// What makes a point.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many it takes.
        expected: usize,
        /// What to do.
        remedy: &'static str,
    },
    /// Values on two scales where one axis is for one.
    #[error("{of}: found {found}, expected {expected} as of the first run. Draw them apart")]
    UnlikeValues {
        /// The run.
        of: String,
        /// What its value is.
        found: &'static str,
        /// What that of the first is.
        expected: &'static str,
    },
    /// A drawing that cannot be rendered.
    #[error(
        "drawing: {detail}. Expected a stand-alone SVG; this is a mistake of the program, please report it"
    )]
    BadDrawing {
        /// What the renderer says.
        detail: String,
    },
    /// A number that the page of results states is in no stored result.
    #[error(
        "found no {figure} in the stored results, expected one. Run the evaluation that measures it, or change the page"
    )]
    NoFigure {
        /// The number.
        figure: String,
    },
    /// No run of a benchmark is stored.
    #[error(
        "found no stored run of the benchmark {benchmark:?}, expected at least one. Run `cargo xtask bench {benchmark} --save`"
    )]
    NoRun {
        /// `edge`, `gateway` or `page`.
        benchmark: &'static str,
    },
    /// A stored run is no JSON, or lacks a field.
    #[error(
        "run {run}: found no report of the benchmark {benchmark:?}: {detail}. Measure it again with --save"
    )]
    BadRun {
        /// Name of the run's folder.
        run: String,
        /// `edge`, `gateway` or `page`.
        benchmark: &'static str,
        /// What the parser says.
        detail: String,
    },
    /// A run's summary lacks the section of a benchmark.
    #[error(
        "run {run}: found no section {benchmark:?} in summary.md, expected one. Run `cargo xtask bench report`"
    )]
    NoSummary {
        /// Name of the run's folder.
        run: String,
        /// `edge`, `gateway` or `page`.
        benchmark: &'static str,
    },
}

impl ReportError {
    /// A stable name for programs, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ResultFormat { .. } => "result_format",
            Self::ResultForm { .. } => "result_form",
            Self::BadResult { .. } => "bad_result",
            Self::NotFinite { .. } => "result_not_finite",
            Self::NoResults { .. } => "no_results",
            Self::DuplicateSeed { .. } => "duplicate_seed",
            Self::UnlikeResults { .. } => "unlike_results",
            Self::MixedBenchmarks { .. } => "mixed_benchmarks",
            Self::NoCosts { .. } => "no_costs",
            Self::TooFewPoints { .. } => "too_few_points",
            Self::UnlikeValues { .. } => "unlike_values",
            Self::BadDrawing { .. } => "bad_drawing",
            Self::NoFigure { .. } => "no_figure",
            Self::NoRun { .. } => "no_run",
            Self::BadRun { .. } => "bad_run",
            Self::NoSummary { .. } => "no_summary",
        }
    }
}
