//! The README's tables, made from stored results and put between markers.
//!
//! A table stands between two comments, each on a line of its own, that Markdown does not show:
//!
//! ```text
//! <!-- table: mmlu -->
//! | router | ...
//! <!-- end of table -->
//! ```
//!
//! [`refresh`] replaces what stands between; everything else stays as it is, to the byte. [`made`]
//! makes the tables that a README asks for. So no number in such a table is typed by hand.
//!
//! ```
//! use std::collections::BTreeMap;
//! use pointsman_trainer::eval::readme::refresh;
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::ReportError> {
//! let readme = "Before\n<!-- table: mmlu -->\nold\n<!-- end of table -->\nafter\n";
//! let tables = BTreeMap::from([("mmlu".to_owned(), "| new |\n".to_owned())]);
//! let found = refresh(readme, &tables)?;
//! assert_eq!(found, "Before\n<!-- table: mmlu -->\n| new |\n<!-- end of table -->\nafter\n");
//! # Ok(())
//! # }
//! ```

pub mod choice;
mod runs;
pub mod tables;

use std::collections::{BTreeMap, BTreeSet};

use super::ReportError;
use super::report::Stored;

/// The line that ends a table.
pub const END: &str = "<!-- end of table -->";

const START: &str = "<!-- table:";

/// Puts each table between its markers. Tables that the README does not ask for are not put.
///
/// # Errors
/// [`ReportError::UnknownTable`], [`ReportError::UnclosedTable`], [`ReportError::StrayEnd`],
/// [`ReportError::BadMarker`], [`ReportError::RepeatedTable`], each with its line.
pub fn refresh(readme: &str, tables: &BTreeMap<String, String>) -> Result<String, ReportError> {
    let mut text = String::with_capacity(readme.len());
    let mut open: Option<(String, usize)> = None;
    let mut seen = BTreeSet::new();
    for (at, whole) in readme.split_inclusive('\n').enumerate() {
        let (line, number) = (whole.trim(), at + 1);
        if line == END {
            if open.take().is_none() {
                return Err(ReportError::StrayEnd { line: number });
            }
            text.push_str(whole);
        } else if line.starts_with(START) {
            if let Some((name, line)) = open {
                return Err(ReportError::UnclosedTable { name, line });
            }
            let name = name(line)
                .ok_or_else(|| ReportError::BadMarker { line: number, found: line.to_owned() })?;
            let table = tables.get(name).ok_or_else(|| ReportError::UnknownTable {
                name: name.to_owned(),
                line: number,
                known: tables.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
            })?;
            if !seen.insert(name.to_owned()) {
                return Err(ReportError::RepeatedTable { name: name.to_owned(), line: number });
            }
            text.push_str(whole);
            let line_break = if whole.ends_with("\r\n") { "\r\n" } else { "\n" };
            for row in table.lines() {
                text.push_str(row);
                text.push_str(line_break);
            }
            open = Some((name.to_owned(), number));
        } else if open.is_none() {
            text.push_str(whole);
        }
    }
    match open {
        Some((name, line)) => Err(ReportError::UnclosedTable { name, line }),
        None => Ok(text),
    }
}

/// The tables that a README asks for, by name: `mmlu`, `transfer:ROUTER`, `routers:BENCHMARK` and
/// `choice:BENCHMARK`. A name of another form has no table, and [`refresh`] then says so.
///
/// # Errors
/// Those of [`tables::mmlu_table`], [`tables::transfer_table`], [`tables::router_table`] and
/// [`choice::choice_table`].
pub fn made(readme: &str, stored: &Stored) -> Result<BTreeMap<String, String>, ReportError> {
    let mut made = BTreeMap::new();
    for name in wanted(readme) {
        let table = match name.split_once(':') {
            None if name == "mmlu" => tables::mmlu_table(&stored.pairs)?,
            Some(("transfer", router)) => tables::transfer_table(&stored.pairs, router)?,
            Some(("routers", benchmark)) => tables::router_table(&stored.pairs, benchmark)?,
            Some(("choice", benchmark)) => choice::choice_table(&stored.choices, benchmark)?,
            _ => continue,
        };
        made.insert(name.to_owned(), table);
    }
    Ok(made)
}

/// The names of the tables a README asks for, in its order.
#[must_use]
pub fn wanted(readme: &str) -> Vec<&str> {
    readme.lines().map(str::trim).filter(|line| line.starts_with(START)).filter_map(name).collect()
}

fn name(line: &str) -> Option<&str> {
    let name = line.strip_prefix(START)?.strip_suffix("-->")?.trim();
    (!name.is_empty() && !name.contains("--")).then_some(name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tables(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        of.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    #[test]
    fn every_kind_of_table_is_made_of_its_results() {
        let stored = Stored {
            pairs: vec![crate::eval::results::build::tests::example()],
            choices: vec![crate::eval::choice::build::tests::example()],
        };
        let asked = ["mmlu", "transfer:mine", "routers:Made up <MMLU>", "choice:in-distribution"];
        let marker = |name: &&str| format!("<!-- table: {name} -->\n{END}\n");
        let readme: String = asked.iter().map(marker).collect();
        let made = made(&readme, &stored).unwrap();
        assert!(asked.iter().all(|name| made[*name].starts_with("| ")));
        assert!(made["choice:in-distribution"].contains("| mine (int8) | static | 1 |"));
        assert!(refresh(&readme, &made).unwrap().contains("| RouterDC |"));
        // A table there is not stays for `refresh` to name.
        let other = super::made("<!-- table: chance:x -->\n", &stored).unwrap();
        assert!(other.is_empty());
    }

    #[test]
    fn faults_name_the_table_and_its_line() {
        let known = tables(&[("mmlu", "x\n"), ("transfer", "y\n")]);
        let fault = |readme: &str| refresh(readme, &known).unwrap_err();
        let unknown = fault("a\n<!-- table: mmul -->\n<!-- end of table -->\n");
        assert_eq!(
            unknown.to_string(),
            "line 2: found the table \"mmul\", expected one of: mmlu, transfer. Correct its name, or make that table"
        );
        let unclosed = ReportError::UnclosedTable { name: "mmlu".into(), line: 1 };
        assert_eq!(fault("<!-- table: mmlu -->\nrest of the README\n"), unclosed);
        let next = "<!-- table: mmlu -->\n<!-- table: transfer -->\n<!-- end of table -->\n";
        assert_eq!(fault(next), unclosed);
        assert_eq!(fault("a\n<!-- end of table -->\n"), ReportError::StrayEnd { line: 2 });
        assert_eq!(fault("<!-- table: -->\n").code(), "bad_marker");
        let twice = "<!-- table: mmlu -->\n<!-- end of table -->\n".repeat(2);
        assert_eq!(fault(&twice).code(), "repeated_table");
    }

    #[test]
    fn a_readme_of_windows_lines_keeps_them() {
        let readme = "<!-- table: mmlu -->\r\nold\r\n<!-- end of table -->";
        let found = refresh(readme, &tables(&[("mmlu", "a\nb\n")])).unwrap();
        assert_eq!(found, "<!-- table: mmlu -->\r\na\r\nb\r\n<!-- end of table -->");
        assert_eq!(wanted(readme), ["mmlu"]);
    }

    proptest! {
        #[test]
        fn refreshing_twice_changes_nothing_and_the_rest_stays(
            before in "[a-z |\n]{0,40}", old in "[a-z |\n]{0,40}", after in "[a-z |\n]{0,40}",
            table in "[a-z |\n]{0,40}",
        ) {
            let readme = format!("{before}\n<!-- table: t -->\n{old}\n{END}\n{after}");
            let tables = tables(&[("t", &table)]);
            let once = refresh(&readme, &tables).unwrap();
            prop_assert_eq!(refresh(&once, &tables).unwrap(), once.clone());
            let head = format!("{before}\n<!-- table: t -->\n");
            let tail = format!("{END}\n{after}");
            prop_assert!(once.starts_with(&head) && once.ends_with(&tail));
            prop_assert_eq!(refresh(&before, &tables).unwrap(), before);
        }
    }
}
