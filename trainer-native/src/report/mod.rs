//! Renders stored results: as Markdown, as one HTML page ([`page`]), as the page of all results
//! ([`results_page`]) and as figures ([`figure`]).
//!
//! Tables and drawings are made of stored values; nothing is evaluated again. Published rows stand in
//! the same table as measured ones and are marked as published.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use pointsman_trainer::eval::pair::published::PairKind;
//! # use pointsman_trainer::eval::pair::rows::PairRow;
//! # use pointsman_trainer::eval::pair::{PairModels, PairSettings, build};
//! use pointsman_trainer::eval::{Benchmark, Stored};
//! use pointsman_trainer::report::{markdown, page};
//!
//! # let row = |i: usize| PairRow {
//! #     weak: (i % 2) as f64, strong: 1.0, length: i, ..PairRow::default()
//! # };
//! # let rows: Vec<PairRow> = (0..100).map(row).collect();
//! # let models = PairModels { weak: "small".into(), strong: "large".into() };
//! let benchmark = Benchmark::new("own", PairKind::Other);
//! let result = build(&benchmark, &models, &rows, &[], &PairSettings::default())?;
//! let results = Stored { pairs: vec![result], ..Stored::default() };
//! assert!(markdown(&results).starts_with("# Evaluation"));
//! assert!(page::page("Evaluation", &results).starts_with("<!DOCTYPE html>"));
//! # Ok(())
//! # }
//! ```

pub mod charts;
pub mod figure;
pub mod format;
pub mod own_prompts;
pub mod page;
pub mod pair_tables;
pub mod pool_tables;
pub mod results_page;
pub mod sanity_tables;
pub mod shadow_report;
pub mod svg;
pub mod table;
mod tables;
pub mod transfer_tables;

use std::fmt::Write as _;
use std::path::Path;

use crate::error::TrainerError;
use crate::eval::Stored;
use table::Table;
use tables::Fact;

/// Every table as Markdown, benchmark by benchmark, those of pairs first.
#[must_use]
pub fn markdown(stored: &Stored) -> String {
    let mut text = String::from("# Evaluation\n");
    for result in &stored.pairs {
        let all = (pair_tables::routers(result), pair_tables::details(result));
        section(&mut text, &result.benchmark.name, pair_tables::facts(result), all);
    }
    for result in &stored.pools {
        let all = (pool_tables::routers(result), pool_tables::details(result));
        section(&mut text, &result.benchmark.name, pool_tables::facts(result), all);
    }
    for result in &stored.transfers {
        let details = vec![transfer_tables::auc(result), transfer_tables::needs(&result.needs)];
        let all = (transfer_tables::apgr(result), filled(details));
        let title = format!("{} on sources left out", result.recipe);
        section(&mut text, &title, transfer_tables::facts(result), all);
    }
    for result in &stored.sanities {
        let one = std::slice::from_ref(result);
        let details = vec![sanity_tables::languages(one), transfer_tables::needs(&result.needs)];
        let all = (sanity_tables::checks(one), filled(details));
        let title = format!("Decision sanity of {}", result.bundle);
        section(&mut text, &title, sanity_tables::facts(result), all);
    }
    text
}

/// Writes `result.json`, `report.md` and `report.html` into a folder.
///
/// # Errors
/// [`TrainerError::File`]; [`TrainerError::Eval`] where a number is not finite.
pub fn write_all(folder: &Path, results: &Stored) -> Result<(), TrainerError> {
    std::fs::create_dir_all(folder).map_err(TrainerError::file(folder))?;
    let page = page::page("Pointsman evaluation", results);
    let files =
        [("result.json", results.json()?), ("report.md", markdown(results)), ("report.html", page)];
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(TrainerError::file(&path))?;
    }
    eprintln!("report written to {}", folder.join("report.html").display());
    Ok(())
}

/// The tables that have rows.
fn filled(mut tables: Vec<Table>) -> Vec<Table> {
    tables.retain(|table| !table.rows.is_empty());
    tables
}

fn section(
    text: &mut String,
    benchmark: &str,
    facts: Vec<Fact>,
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

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::table::assert_rows_match_headings;
    use super::*;
    use crate::eval::pair::build::tests::example;
    use crate::eval::pool::build::tests::example as example_of_a_pool;
    use crate::eval::sanity::tests::example as example_of_sanity;
    use crate::eval::transfer::tests::example as example_of_transfer;

    #[test]
    fn markdown_of_transfer_and_sanity_holds_every_table_once() {
        let (transfers, sanities) = (vec![example_of_transfer()], vec![example_of_sanity()]);
        let text = markdown(&Stored { transfers, sanities, ..Stored::default() });
        assert!(
            text.contains("## made-up on sources left out") && text.contains("| first <source> |")
        );
        assert!(text.contains("### Rank correlation of rating and need at fixed length"));
        assert!(text.contains("## Decision sanity of made-up") && text.contains("| 13 of 14 |"));
        assert_eq!(text.matches("### made-up: AUC of").count(), 1);
    }

    #[test]
    fn markdown_holds_ours_beside_the_published() {
        let stored = Stored {
            pairs: vec![example()],
            pools: vec![example_of_a_pool()],
            ..Stored::default()
        };
        let text = markdown(&stored);
        assert!(text.contains("## Made up <tasks>") && text.contains("| RouterDC | "));
        assert!(text.contains("### Share of calls to each model, %"));
        assert!(text.contains("## Made up <MMLU>") && text.contains("| mine (int8) |"));
        assert!(
            text.contains("- Published rows: RouteLLM, arXiv 2406.18665v4")
                && text.contains("| published |")
        );
        assert_rows_match_headings(&text);
    }
}
