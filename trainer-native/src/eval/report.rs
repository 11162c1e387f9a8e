//! Renders stored results as Markdown, one HTML page, or JSON.
//!
//! The page is self-contained: style and drawings are inline and there is no script. It follows the
//! reader's choice of a light or dark screen and prints on white. Published rows stand in the same
//! table as measured ones and are marked as published.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use pointsman_trainer::eval::results::build::{Benchmark, Settings, build};
//! # use pointsman_trainer::eval::rows::ScoredRow;
//! use pointsman_trainer::eval::report;
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

pub mod choice_tables;
pub mod figures;
pub mod format;
pub mod html;
pub mod page;
pub mod svg;
pub mod tables;
pub mod text_table;

use std::fmt::Write as _;

use serde_json::Value;

use super::choice::json as choice_json;
use super::results::json as result_json;
use super::{BenchmarkResult, ChoiceResult, ReportError};
pub use page::{page, page_of};
use text_table::Table;

/// Stored results of both forms.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stored {
    /// Results of routers of a weak and a strong model.
    pub pairs: Vec<BenchmarkResult>,
    /// Results of routers that pick one of many models.
    pub choices: Vec<ChoiceResult>,
}

impl Stored {
    /// Reads what [`Stored::json`] or [`json()`] wrote, or a single result of either form.
    ///
    /// # Errors
    /// Those of [`result_json::read`] and [`choice_json::read`].
    pub fn read(text: &str) -> Result<Self, ReportError> {
        let value = serde_json::from_str(text).map_err(|e| result_json::bad(&e))?;
        let values = match value {
            Value::Array(values) => values,
            single => vec![single],
        };
        let mut stored = Self::default();
        for value in values {
            match result_json::form(&value) {
                choice_json::FORM => stored.choices.push(choice_json::from_value(value)?),
                _ => stored.pairs.push(result_json::from_value(value)?),
            }
        }
        Ok(stored)
    }

    /// Adds the results of another file after its own.
    pub fn append(&mut self, other: Self) {
        self.pairs.extend(other.pairs);
        self.choices.extend(other.choices);
    }

    /// Writes the results as a JSON array, those of pairs first.
    ///
    /// # Errors
    /// [`ReportError::NotFinite`].
    pub fn json(&self) -> Result<String, ReportError> {
        let pairs = self.pairs.iter().map(result_json::write);
        let texts = pairs.chain(self.choices.iter().map(choice_json::write));
        Ok(array(&texts.collect::<Result<Vec<_>, _>>()?))
    }

    /// Every table as Markdown, benchmark by benchmark, those of pairs first.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = markdown(&self.pairs);
        for result in &self.choices {
            let all = (choice_tables::routers(result), choice_tables::details(result));
            section(&mut text, &result.benchmark, choice_tables::facts(result), all);
        }
        text
    }

    #[must_use]
    pub fn page(&self, title: &str) -> String {
        page_of(title, self)
    }
}

/// Every table of results of pairs as Markdown, benchmark by benchmark.
#[must_use]
pub fn markdown(results: &[BenchmarkResult]) -> String {
    let mut text = String::from("# Evaluation\n");
    for result in results {
        let all = (tables::routers(result), tables::details(result));
        section(&mut text, &result.benchmark, tables::facts(result), all);
    }
    text
}

fn section(
    text: &mut String,
    benchmark: &str,
    facts: Vec<(&'static str, String)>,
    (routers, details): (Table, Vec<Table>),
) {
    let _ = writeln!(text, "\n## {}\n", one_line(benchmark));
    for (name, fact) in facts {
        let _ = writeln!(text, "- {name}: {}", one_line(&fact));
    }
    let _ = writeln!(text, "\n{}", routers.markdown());
    for table in details {
        let _ = writeln!(text, "### {}\n\n{}", one_line(&table.caption), table.markdown());
    }
}

/// Writes results of pairs as a JSON array.
///
/// # Errors
/// [`ReportError::NotFinite`].
pub fn json(results: &[BenchmarkResult]) -> Result<String, ReportError> {
    let texts = results.iter().map(result_json::write).collect::<Result<Vec<_>, _>>()?;
    Ok(array(&texts))
}

fn array(texts: &[String]) -> String {
    let texts: Vec<&str> = texts.iter().map(|text| text.trim_end()).collect();
    format!("[\n{}\n]\n", texts.join(",\n"))
}

/// Reads what [`json`] wrote, or a single result.
///
/// # Errors
/// Those of [`result_json::read`].
pub fn read_json(text: &str) -> Result<Vec<BenchmarkResult>, ReportError> {
    match serde_json::from_str(text).map_err(|e| result_json::bad(&e))? {
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
    use super::text_table::assert_rows_match_headings;
    use super::*;
    use crate::eval::choice::build::tests::example as example_of_many;
    use crate::eval::results::build::tests::example;

    #[test]
    fn markdown_holds_ours_beside_the_published() {
        let stored = Stored { pairs: vec![example()], choices: vec![example_of_many()] };
        let text = stored.markdown();
        assert!(text.starts_with(&markdown(&stored.pairs)));
        assert!(text.contains("## Made up <tasks>") && text.contains("| RouterDC | "));
        assert!(text.contains("### Share of calls to each model, %"));
        assert!(text.contains("## Made up <MMLU>") && text.contains("| mine (int8) |"));
        assert!(
            text.contains("- Published rows: RouteLLM, arXiv 2406.18665v4")
                && text.contains("| published |")
        );
        assert_rows_match_headings(&text);
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

    #[test]
    fn json_of_both_forms_is_distinguished() {
        let stored = Stored { pairs: vec![example()], choices: vec![example_of_many()] };
        let text = stored.json().unwrap();
        assert_eq!(Stored::read(&text).unwrap(), stored);
        assert_eq!(read_json(&text).unwrap_err().code(), "result_form");
        let single = choice_json::write(&stored.choices[0]).unwrap();
        let mut found = Stored::read(&json(&stored.pairs).unwrap()).unwrap();
        found.append(Stored::read(&single).unwrap());
        assert_eq!(found, stored);
        assert_eq!(Stored::read("[{\"form\": \"trio\"}]").unwrap_err().code(), "result_form");
    }

    #[test]
    fn stored_results_of_the_repository_are_written_back_byte_for_byte() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
        let mut read = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let text = std::fs::read_to_string(&path).unwrap();
                let again = Stored::read(&text).unwrap().json().unwrap();
                assert!(again == text, "{}", path.display());
                read += 1;
            }
        }
        assert!(read > 40, "{read} stored results");
    }
}
