//! Tables of what a bundle does with the project's own requests.

use super::format::{count, percent, three};
use super::table::{Column, RowClass, Table};
use super::tables::Fact;
use crate::eval::SanityResult;

/// Facts about the bundle, as name and value.
#[must_use]
pub fn facts(result: &SanityResult) -> Vec<Fact> {
    vec![
        ("Bundle", format!("{}, kind {}, {} tier", result.bundle, result.kind, result.tier)),
        ("SHA-256 of the requests", result.cases_sha256.clone()),
        ("Seed", result.seed.to_string()),
    ]
}

/// On how many cases each bundle did what it should, a column each. A check that a result lacks is a dash.
#[must_use]
pub fn checks(results: &[SanityResult]) -> Table {
    let mut columns = vec![Column::text("check")];
    columns.extend(results.iter().map(|result| Column::number(&result.bundle)));
    let mut table = Table::new("Checks passed", columns);
    let mut names: Vec<&str> = Vec::new();
    for check in results.iter().flat_map(|result| &result.checks) {
        if !names.contains(&check.check.as_str()) {
            names.push(&check.check);
        }
    }
    for name in names {
        let mut cells = vec![name.to_owned()];
        cells.extend(results.iter().map(|result| {
            let found = result.checks.iter().find(|check| check.check == name);
            found.map_or_else(super::tables::dash, |check| {
                format!("{} of {}", count(check.passed), count(check.cases))
            })
        }));
        table.push(RowClass::Ours, cells);
    }
    let mut cells =
        vec!["spread of the languages' mean ratings, in standard deviations".to_owned()];
    cells.extend(results.iter().map(|result| three(result.language_spread)));
    table.push(RowClass::Ours, cells);
    table
}

/// Mean ratings of the translated prompts by language.
#[must_use]
pub fn languages(results: &[SanityResult]) -> Table {
    let columns = vec![
        Column::text("bundle"),
        Column::text("language"),
        Column::number("easy"),
        Column::number("hard"),
        Column::number("pairs in order, %"),
    ];
    let mut table = Table::new("Mean rating of the same prompts by language", columns);
    for result in results {
        for one in &result.languages {
            let cells = vec![
                result.bundle.clone(),
                one.language.clone(),
                three(one.easy),
                three(one.hard),
                percent(one.in_order),
            ];
            table.push(RowClass::Ours, cells);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::sanity::tests::example;
    use crate::report::table::assert_rows_match_headings;

    #[test]
    fn bundles_stand_side_by_side() {
        let mut other = example();
        other.bundle = "other".into();
        other.checks.remove(1);
        let text = checks(&[example(), other]).markdown();
        assert_rows_match_headings(&text.replace("\\|", ""));
        assert!(text.contains("| filler | 6 of 6 | – |"), "{text}");
        assert!(text.contains("in standard deviations | 0.250 | 0.250 |"), "{text}");
        let text = languages(&[example()]).markdown();
        assert!(text.contains("| made-up | zh | 0.500 | 0.750 | 87.50 |"), "{text}");
    }
}
