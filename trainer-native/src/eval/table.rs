//! Rows of metrics, as Markdown and as JSON.
//!
//! Measured and published rows have the same fields; a published row is marked and names its
//! source. Scores and shares are fractions in the row and in JSON, per cent in Markdown.

use serde::{Deserialize, Serialize};

use super::EvalError;
use super::baselines::{BaselineMetrics, FixedPolicy};
use super::curve::Evaluation;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    pub router: String,
    pub dataset: String,
    pub rows: usize,
    /// Rows left out of the set because their questions stood in the training data. `None` where
    /// that is not known, as for published rows.
    pub removed_as_leaks: Option<usize>,
    /// Average performance gap recovered; `None` for a policy without a threshold.
    pub apgr: Option<f64>,
    /// Share of strong calls, in [0, 1], that recovers half of the gap.
    pub cpt50: Option<f64>,
    /// Share of strong calls, in [0, 1], that recovers four fifths of the gap.
    pub cpt80: Option<f64>,
    /// Share of strong calls of a policy without a threshold, in [0, 1].
    pub strong_share: Option<f64>,
    /// Mean score of a policy without a threshold.
    pub score: Option<f64>,
    /// Mean score of the weak model on these rows, in [0, 1].
    pub weak: f64,
    /// Mean score of the strong model on these rows, in [0, 1].
    pub strong: f64,
    /// Whether the row was taken from a publication instead of being measured here.
    pub published: bool,
    /// Source of a published row.
    pub source: Option<String>,
}

impl MetricRow {
    #[must_use]
    pub fn measured(
        router: &str,
        dataset: &str,
        removed_as_leaks: usize,
        evaluation: &Evaluation,
    ) -> Self {
        Self::baseline(router, dataset, removed_as_leaks, &BaselineMetrics::from(evaluation))
    }

    /// A measured baseline with metrics.
    #[must_use]
    pub fn baseline(
        router: &str,
        dataset: &str,
        removed_as_leaks: usize,
        metrics: &BaselineMetrics,
    ) -> Self {
        Self {
            router: router.to_owned(),
            dataset: dataset.to_owned(),
            rows: metrics.rows,
            removed_as_leaks: Some(removed_as_leaks),
            apgr: Some(metrics.apgr),
            cpt50: Some(metrics.cpt50),
            cpt80: Some(metrics.cpt80),
            strong_share: None,
            score: None,
            weak: metrics.weak,
            strong: metrics.strong,
            published: false,
            source: None,
        }
    }

    /// A measured policy without a threshold.
    #[must_use]
    pub fn fixed(
        router: &str,
        dataset: &str,
        removed_as_leaks: usize,
        policy: &FixedPolicy,
    ) -> Self {
        Self {
            router: router.to_owned(),
            dataset: dataset.to_owned(),
            rows: policy.rows,
            removed_as_leaks: Some(removed_as_leaks),
            apgr: None,
            cpt50: None,
            cpt80: None,
            strong_share: Some(policy.strong_share),
            score: Some(policy.score),
            weak: policy.weak,
            strong: policy.strong,
            published: false,
            source: None,
        }
    }
}

const COLUMNS: [&str; 12] = [
    "router",
    "set",
    "rows",
    "leaks removed",
    "APGR",
    "CPT(50) %",
    "CPT(80) %",
    "strong %",
    "score %",
    "weak %",
    "strong model %",
    "origin",
];

/// A Markdown table, rows in the order given. A missing value is a dash.
#[must_use]
pub fn markdown(rows: &[MetricRow]) -> String {
    let mut table = line(COLUMNS.map(str::to_owned));
    // Text to the left, numbers to the right.
    let rule = |column: &str| match column {
        "router" | "set" | "origin" => "---".to_owned(),
        _ => "---:".to_owned(),
    };
    table += &line(COLUMNS.map(rule));
    for row in rows {
        let origin = match (&row.source, row.published) {
            (Some(source), true) => format!("published: {}", cell(source)),
            (None, true) => "published".to_owned(),
            (_, false) => "measured".to_owned(),
        };
        table += &line([
            cell(&row.router),
            cell(&row.dataset),
            row.rows.to_string(),
            row.removed_as_leaks.map_or_else(dash, |removed| removed.to_string()),
            row.apgr.map_or_else(dash, |apgr| format!("{apgr:.3}")),
            row.cpt50.map_or_else(dash, percent),
            row.cpt80.map_or_else(dash, percent),
            row.strong_share.map_or_else(dash, percent),
            row.score.map_or_else(dash, percent),
            percent(row.weak),
            percent(row.strong),
            origin,
        ]);
    }
    table
}

/// The rows as a JSON array, indented.
///
/// # Errors
/// [`EvalError::NotFinite`] where a number is NaN or infinite: JSON has no such numbers.
pub fn json(rows: &[MetricRow]) -> Result<String, EvalError> {
    for (at, row) in rows.iter().enumerate() {
        let numbers = [
            ("APGR", row.apgr),
            ("CPT(50)", row.cpt50),
            ("CPT(80)", row.cpt80),
            ("share of strong calls", row.strong_share),
            ("score", row.score),
            ("weak score", Some(row.weak)),
            ("strong score", Some(row.strong)),
        ];
        for (what, value) in numbers {
            if let Some(value) = value.filter(|value| !value.is_finite()) {
                return Err(EvalError::NotFinite { row: at, what, value });
            }
        }
    }
    // Strings, finite numbers and booleans always serialise.
    Ok(serde_json::to_string_pretty(rows).unwrap_or_default())
}

fn line(cells: [String; COLUMNS.len()]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// Escapes text so that it ends neither its cell nor its line.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn percent(fraction: f64) -> String {
    format!("{:.2}", fraction * 100.0)
}

fn dash() -> String {
    "–".to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::{RoutedRow, baselines, evaluate, published};

    fn rows() -> Vec<RoutedRow> {
        (0..20)
            .map(|at| RoutedRow { win_rate: f64::from(at), weak: f64::from(at % 2), strong: 1.0 })
            .collect()
    }

    #[test]
    fn every_line_has_every_column() {
        let evaluation = evaluate(&rows()).unwrap();
        let fixed = baselines::always_weak(&rows()).unwrap();
        let mut table = vec![
            MetricRow::measured("ours | new\nline", "own", 3, &evaluation),
            MetricRow::fixed("always weak", "own", 3, &fixed),
        ];
        table.extend(published::routellm_mmlu());
        let text = markdown(&table);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2 + table.len());
        for line in &lines {
            assert_eq!(line.replace("\\|", "").matches('|').count(), COLUMNS.len() + 1, "{line}");
        }
        assert!(lines[2].starts_with("| ours \\| new line | own | 20 | 3 | "), "{}", lines[2]);
        assert!(lines[2].ends_with("| – | – | 50.00 | 100.00 | measured |"), "{}", lines[2]);
        assert!(lines[3].contains("| – | – | – | 0.00 | 50.00 |"), "{}", lines[3]);
    }

    #[test]
    fn json_gives_the_rows_back() {
        let mut table = published::routellm_mmlu();
        table.push(MetricRow::measured("ours", "own", 0, &evaluate(&rows()).unwrap()));
        let text = json(&table).unwrap();
        assert_eq!(serde_json::from_str::<Vec<MetricRow>>(&text).unwrap(), table);
    }

    #[test]
    fn json_refuses_what_it_cannot_say() {
        let mut row = MetricRow::measured("ours", "own", 0, &evaluate(&rows()).unwrap());
        row.cpt50 = Some(f64::NAN);
        assert_eq!(json(&[row]).unwrap_err().code(), "not_finite");
    }
}
