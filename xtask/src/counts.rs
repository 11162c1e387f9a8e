//! Reads the numbers of passed, failed and skipped tests from the test runners' output.

use std::fmt;

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed or were cancelled.
    pub failed: u64,
    /// Tests that were skipped.
    pub skipped: u64,
}

impl Counts {
    /// One check that passed.
    pub const SUCCESS: Self = Self { passed: 1, failed: 0, skipped: 0 };
    /// One check that failed.
    pub const FAILURE: Self = Self { passed: 0, failed: 1, skipped: 0 };
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// The counts in a line of `cargo test`, if it is the last line of a test binary:
/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`.
pub fn of_cargo_line(line: &str) -> Option<Counts> {
    let (_, rest) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut counts = Counts::default();
    for part in rest.split("; ") {
        let mut words = part.split_whitespace();
        let (Some(number), Some(word)) = (words.next(), words.next()) else {
            continue;
        };
        let Ok(number) = number.parse::<u64>() else {
            continue;
        };
        match word {
            "passed" => counts.passed = number,
            "failed" => counts.failed = number,
            "ignored" => counts.skipped = number,
            _ => {}
        }
    }
    Some(counts)
}

/// The counts at the end of the TAP that `node --test` writes, on lines such as `# pass 3`. A test may
/// print such a line itself, so the last one of each count is used.
pub fn of_node_tap(tap: &str) -> Option<Counts> {
    let last = |key: &str| {
        tap.lines().rev().find_map(|line| {
            let (found, number) = line.strip_prefix("# ")?.split_once(' ')?;
            (found == key).then(|| number.parse::<u64>().ok()).flatten()
        })
    };
    Some(Counts {
        passed: last("pass")?,
        failed: last("fail")? + last("cancelled")?,
        skipped: last("skipped")? + last("todo")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAP: &str = "TAP version 13\n# Subtest: a\n# pass 900\nok 1 - a\n1..1\n# tests 7\n# suites 0\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 2\n# todo 0\n# duration_ms 12.3\n";

    #[test]
    fn a_result_line_of_cargo_is_read() {
        let line = "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s";
        let counts = Counts { passed: 3, failed: 2, skipped: 1 };
        assert_eq!(of_cargo_line(line), Some(counts));
    }

    #[test]
    fn other_lines_of_cargo_count_nothing() {
        assert_eq!(of_cargo_line("test router::tests::two_passed ... ok"), None);
        assert_eq!(of_cargo_line("running 3 tests"), None);
    }

    #[test]
    fn the_last_counts_in_the_tap_are_the_ones_taken() {
        let counts = Counts { passed: 3, failed: 2, skipped: 2 };
        assert_eq!(of_node_tap(TAP), Some(counts));
    }

    #[test]
    fn a_tap_cut_short_has_no_counts() {
        let cut = TAP.split("# cancelled").next().unwrap_or_default();
        assert_eq!(of_node_tap(cut), None);
    }

    #[test]
    fn skipped_tests_are_told_only_where_there_are_some() {
        let mut counts = Counts { passed: 4, failed: 0, skipped: 0 };
        assert_eq!(counts.to_string(), "4 passed, 0 failed");
        counts += Counts { passed: 1, failed: 1, skipped: 2 };
        assert_eq!(counts.to_string(), "5 passed, 1 failed, 2 skipped");
    }
}
