//! Renders stored results as Markdown, one HTML page, or JSON.
//!
//! The page is self-contained: style and drawings are inline and there is no script. It follows the
//! reader's choice of a light or dark screen and prints on white. Published rows stand in the same
//! table as measured ones and are marked as published.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use pointsman_trainer::eval::pair::build::{PairBenchmark, Settings, build};
//! # use pointsman_trainer::eval::pair::rows::PairRow;
//! use pointsman_trainer::report::Stored;
//!
//! # let row = |i: usize| PairRow {
//! #     weak: (i % 2) as f64, strong: 1.0, length: i, ..PairRow::default()
//! # };
//! # let rows: Vec<PairRow> = (0..100).map(row).collect();
//! # let result = build(&PairBenchmark::new("own", "small", "large"), &rows, &[], &Settings::default())?;
//! let results = Stored { pairs: vec![result], ..Stored::default() };
//! assert!(results.markdown().starts_with("# Evaluation"));
//! assert!(results.page("Evaluation").starts_with("<!DOCTYPE html>"));
//! assert_eq!(Stored::read(&results.json()?)?, results);
//! # Ok(())
//! # }
//! ```

pub mod charts;
pub mod figure;
pub mod format;
pub mod html;
pub mod page;
pub mod pair_tables;
pub mod pool_tables;
pub mod results_page;
pub mod svg;
pub mod table;

use std::fmt::Write as _;

use serde_json::Value;

use crate::eval::pool::json as pool_json;
use crate::eval::stored as result_json;
use crate::eval::{PairResult, PoolResult, ReportError};
use table::Table;

/// Stored results of both forms.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stored {
    /// Results of routers of a weak and a strong model.
    pub pairs: Vec<PairResult>,
    /// Results of routers that pick one of many models.
    pub pools: Vec<PoolResult>,
}

impl Stored {
    /// Reads what [`Stored::json`] wrote, or a single result of either form.
    ///
    /// # Errors
    /// Those of [`result_json::read`] and [`pool_json::read`].
    pub fn read(text: &str) -> Result<Self, ReportError> {
        let value = serde_json::from_str(text).map_err(|e| result_json::bad(&e))?;
        let values = match value {
            Value::Array(values) => values,
            single => vec![single],
        };
        let mut stored = Self::default();
        for value in values {
            match result_json::form(&value) {
                pool_json::FORM => stored.pools.push(pool_json::from_value(value)?),
                _ => stored.pairs.push(result_json::from_value(value)?),
            }
        }
        Ok(stored)
    }

    /// Adds the results of another file after its own.
    pub fn append(&mut self, other: Self) {
        self.pairs.extend(other.pairs);
        self.pools.extend(other.pools);
    }

    /// Writes the results as a JSON array, those of pairs first.
    ///
    /// # Errors
    /// [`ReportError::NotFinite`].
    pub fn json(&self) -> Result<String, ReportError> {
        let pairs = self.pairs.iter().map(result_json::write);
        let texts = pairs.chain(self.pools.iter().map(pool_json::write));
        Ok(array(&texts.collect::<Result<Vec<_>, _>>()?))
    }

    /// Every table as Markdown, benchmark by benchmark, those of pairs first.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::from("# Evaluation\n");
        for result in &self.pairs {
            let all = (pair_tables::routers(result), pair_tables::details(result));
            section(&mut text, &result.benchmark, pair_tables::facts(result), all);
        }
        for result in &self.pools {
            let all = (pool_tables::routers(result), pool_tables::details(result));
            section(&mut text, &result.benchmark, pool_tables::facts(result), all);
        }
        text
    }

    #[must_use]
    pub fn page(&self, title: &str) -> String {
        page::page(title, self)
    }
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

fn array(texts: &[String]) -> String {
    let texts: Vec<&str> = texts.iter().map(|text| text.trim_end()).collect();
    format!("[\n{}\n]\n", texts.join(",\n"))
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::table::assert_rows_match_headings;
    use super::*;
    use crate::eval::pair::build::tests::example;
    use crate::eval::pool::build::tests::example as example_of_a_pool;

    #[test]
    fn markdown_holds_ours_beside_the_published() {
        let stored = Stored { pairs: vec![example()], pools: vec![example_of_a_pool()] };
        let text = stored.markdown();
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
        let stored = Stored { pairs: vec![example(), example()], ..Stored::default() };
        assert_eq!(Stored::read(&stored.json().unwrap()).unwrap(), stored);
        let single = result_json::write(&stored.pairs[0]).unwrap();
        assert_eq!(Stored::read(&single).unwrap().pairs, stored.pairs[..1]);
        assert_eq!(Stored::read("[{}]").unwrap_err().code(), "result_format");
        assert_eq!(Stored::read("[").unwrap_err().code(), "bad_result");
    }

    #[test]
    fn json_of_both_forms_is_distinguished() {
        let stored = Stored { pairs: vec![example()], pools: vec![example_of_a_pool()] };
        let text = stored.json().unwrap();
        assert_eq!(Stored::read(&text).unwrap(), stored);
        let single = pool_json::write(&stored.pools[0]).unwrap();
        let pairs = Stored { pairs: stored.pairs.clone(), ..Stored::default() };
        let mut found = Stored::read(&pairs.json().unwrap()).unwrap();
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
