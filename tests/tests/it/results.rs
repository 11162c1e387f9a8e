//! docs/RESULTS.md is what is stored, and the READMEs carry its numbers.

use std::path::{Path, PathBuf};

use pointsman_trainer::report::results_page::{Benchmarks, page, read_results};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The rows of the first table under the first heading that holds one of these words, each as its
/// cells; without the heading and its rule.
fn table_under(text: &str, words: &[&str]) -> Option<Vec<Vec<String>>> {
    let heading =
        |line: &&str| line.starts_with('#') && words.iter().any(|word| line.contains(word));
    let lines = text.lines().skip_while(|line| !heading(line)).skip(1);
    let rows = lines
        .take_while(|line| !line.starts_with('#'))
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()
        });
    let rows: Vec<Vec<String>> = rows.skip(2).collect();
    (!rows.is_empty()).then_some(rows)
}

/// The numbers of every cell but the first, which says what the row is about.
fn numbers(row: &[String]) -> Vec<String> {
    let text = row.iter().skip(1).map(|cell| format!("{cell} ")).collect::<String>();
    let parts = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    let trimmed = parts.map(|part| part.trim_matches('.'));
    trimmed.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_page_of_results_is_what_is_stored() {
    let results = read_results(&root().join("trainer-native/results")).unwrap();
    let benchmarks = Benchmarks::read(&root().join("bench/runs")).unwrap();
    let expected = page(&results, &benchmarks).unwrap();
    let found = read("docs/RESULTS.md");
    let different = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert_eq!(different, None, "run `cargo xtask results`");
    assert_eq!(found, expected, "run `cargo xtask results`");
}

#[test]
fn the_readmes_carry_the_numbers_of_the_page_in_brief() {
    let brief = table_under(&read("docs/RESULTS.md"), &["In brief"]).unwrap();
    assert_eq!(brief.len(), 8);
    for readme in ["README.md", "README.zh.md"] {
        if !root().join(readme).is_file() {
            continue;
        }
        let rows = table_under(&read(readme), &["Results", "结果"]).unwrap_or_else(|| {
            panic!("{readme}: no table under a heading with \"Results\" or \"结果\"")
        });
        assert_eq!(rows.len(), brief.len(), "{readme}: rows of the table of results");
        for (row, expected) in rows.iter().zip(&brief) {
            assert_eq!(numbers(row), numbers(expected), "{readme}: {row:?} beside {expected:?}");
        }
    }
}

#[test]
fn numbers_are_read_off_the_cells_after_the_first() {
    let text = "# A\n\n## The Results\n\nx 9\n\n| a | b | c |\n| --- | --- | --- |\n| 1 | `x` 0.648, 2. | y (3.90) |\n\n| 4 | 5 | 6 |\n";
    let rows = table_under(text, &["Results", "结果"]).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(numbers(&rows[0]), ["0.648", "2", "3.90"]);
    assert_eq!(table_under(text, &["结果"]), None);
}
