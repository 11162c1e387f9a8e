//! Stored results as something to read: Markdown, one HTML page, JSON.
//!
//! The page needs nothing but itself: style and drawings are inline, there is no script, and it
//! follows the reader's choice of a light or dark screen and prints on white. Published rows stand
//! in the same table as ours and say that they are published.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use switchyard_trainer::eval::results::build::{Benchmark, Settings, build};
//! # use switchyard_trainer::eval::rows::ScoredRow;
//! use switchyard_trainer::eval::report;
//!
//! # let row = |i: usize| ScoredRow {
//! #     weak: (i % 2) as f64, strong: 1.0, length: i, ..ScoredRow::default()
//! # };
//! # let rows: Vec<ScoredRow> = (0..100).map(row).collect();
//! # let result = build(&Benchmark::new("own", "small", "large"), &rows, &[], &Settings::default())?;
//! let results = [result];
//! assert!(report::markdown(&results).starts_with("# Evaluation"));
//! assert!(report::page("Evaluation", &results).starts_with("<!DOCTYPE html>"));
//! assert_eq!(report::read_json(&report::json(&results)?)?, results);
//! # Ok(())
//! # }
//! ```

pub mod figures;
pub mod format;
pub mod html;
pub mod page;
pub mod svg;
pub mod tables;
pub mod text_table;

use std::fmt::Write as _;

use serde_json::Value;

use super::results::json as result_json;
use super::{BenchmarkResult, ReportError};
pub use page::page;

/// Every table, benchmark by benchmark.
#[must_use]
pub fn markdown(results: &[BenchmarkResult]) -> String {
    let mut text = String::from("# Evaluation\n");
    for result in results {
        let _ = writeln!(text, "\n## {}\n", one_line(&result.benchmark));
        for (name, fact) in tables::facts(result) {
            let _ = writeln!(text, "- {name}: {}", one_line(&fact));
        }
        let _ = writeln!(text, "\n{}", tables::routers(result).markdown());
        for table in tables::details(result) {
            let _ = writeln!(text, "### {}\n\n{}", one_line(&table.caption), table.markdown());
        }
    }
    text
}

/// The results as a JSON array.
///
/// # Errors
/// [`ReportError::NotFinite`].
pub fn json(results: &[BenchmarkResult]) -> Result<String, ReportError> {
    let texts = results.iter().map(result_json::write).collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<&str> = texts.iter().map(|text| text.trim_end()).collect();
    Ok(format!("[\n{}\n]\n", texts.join(",\n")))
}

/// What [`json`] wrote, or a single result.
///
/// # Errors
/// Those of [`result_json::read`].
pub fn read_json(text: &str) -> Result<Vec<BenchmarkResult>, ReportError> {
    let bad = |error: serde_json::Error| ReportError::BadResult { detail: error.to_string() };
    match serde_json::from_str(text).map_err(bad)? {
        Value::Array(results) => results.into_iter().map(result_json::from_value).collect(),
        result => Ok(vec![result_json::from_value(result)?]),
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::results::build::tests::example;

    #[test]
    fn markdown_holds_ours_beside_the_published() {
        let text = markdown(&[example()]);
        assert!(text.contains("## Made up <MMLU>") && text.contains("| mine (int8) |"));
        assert!(
            text.contains("- Published rows: RouteLLM, arXiv 2406.18665v4")
                && text.contains("| published |")
        );
        // Every table's lines have as many cells as its heading.
        let mut cells = 0;
        for line in text.lines() {
            let found = line.matches('|').count();
            if found > 0 && cells > 0 {
                assert_eq!(found, cells, "{line}");
            }
            cells = found;
        }
    }

    #[test]
    fn json_holds_one_result_or_many() {
        let results = [example(), example()];
        assert_eq!(read_json(&json(&results).unwrap()).unwrap(), results);
        let single = result_json::write(&results[0]).unwrap();
        assert_eq!(read_json(&single).unwrap(), results[..1]);
        assert_eq!(read_json("[{}]").unwrap_err().code(), "result_format");
        assert_eq!(read_json("[").unwrap_err().code(), "bad_result");
    }
}
