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

/// The counts in the JUnit report that `node --test` writes: of its test cases, without the suites and tests
/// around them. A case to do counts as skipped, even if it failed.
pub fn of_junit(report: &str) -> Result<Counts, roxmltree::Error> {
    let document = roxmltree::Document::parse(report)?;
    let mut counts = Counts::default();
    for case in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        let has = |outcome: &str| case.children().any(|node| node.has_tag_name(outcome));
        if has("skipped") {
            counts.skipped += 1;
        } else if has("failure") || has("error") {
            counts.failed += 1;
        } else {
            counts.passed += 1;
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUNIT: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<testsuites>
	<testsuite name="parent" tests="3" failures="1" skipped="1">
		<testcase name="child"/>
		<testcase name="bad" failure="1 == 2">
			<failure type="testCodeFailure" message="1 == 2">&lt;testcase name="printed"/></failure>
		</testcase>
		<testcase name="to do" failure="x"><skipped type="todo"/><failure type="testCodeFailure"/></testcase>
	</testsuite>
	<testcase name="never"><failure type="cancelledByParent"/></testcase>
	<testcase name="later"/>
	<testcase name="last"/>
	<!-- pass 900 -->
</testsuites>"#;

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
    fn the_cases_of_a_junit_report_are_counted_and_their_output_is_not() {
        let counts = Counts { passed: 3, failed: 2, skipped: 1 };
        assert_eq!(of_junit(JUNIT), Ok(counts));
    }

    #[test]
    fn a_junit_report_cut_short_is_an_error() {
        let cut = JUNIT.split("later").next().unwrap_or_default();
        assert!(of_junit(cut).is_err());
    }

    #[test]
    fn skipped_tests_are_stated_only_where_there_are_some() {
        let mut counts = Counts { passed: 4, failed: 0, skipped: 0 };
        assert_eq!(counts.to_string(), "4 passed, 0 failed");
        counts += Counts { passed: 1, failed: 1, skipped: 2 };
        assert_eq!(counts.to_string(), "5 passed, 1 failed, 2 skipped");
    }
}
