//! The report as Markdown.

use std::fmt::Write as _;

use super::ShadowReport;
use super::tables::{INTERVALS, bad_rows, facts, feedback, settings, slices};
use crate::report::one_line;

/// Verdict, facts and tables.
#[must_use]
pub fn markdown(found: &ShadowReport) -> String {
    let mut text = format!(
        "# Shadow report of {}\n\n**{}**\n\n",
        one_line(&found.bundle.name),
        one_line(&found.verdict)
    );
    for (name, fact) in facts(found) {
        let _ = writeln!(text, "- {name}: {}", one_line(&fact));
    }
    let _ = writeln!(text, "\n{INTERVALS}");
    for table in [settings(found), slices(found), feedback(found), bad_rows(found)] {
        if !table.rows.is_empty() {
            let _ = writeln!(text, "\n## {}\n\n{}", one_line(&table.caption), table.markdown());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::shadow_report::tests::example;
    use crate::report::table::assert_rows_match_headings;

    #[test]
    fn the_text_holds_the_verdict_every_setting_and_what_was_left_out() {
        let text = markdown(&example(300, 2, true));
        assert!(text.starts_with("# Shadow report of support & sales\n\n**"), "{text}");
        for row in [
            "as the router chose",
            "20 % strong",
            "40 % strong",
            "60 % strong",
            "task billing",
            "key team",
        ] {
            assert_eq!(text.matches(&format!("\n| {row} |")).count(), 1, "{row}: {text}");
        }
        assert!(text.contains("1 bad rows; failed comparisons: 2 (judge: timeout)"), "{text}");
        assert!(text.contains("| verdicts/x\\|y.json | 1 | found target 3 |"), "{text}");
        assert!(text.contains("\n| small | 4 | 0.750 |"), "{text}");
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        assert_rows_match_headings(&text.replace("\\|", ""));
    }

    #[test]
    fn without_costs_no_money_is_named() {
        let text = markdown(&example(300, 2, false));
        assert!(
            !text.contains("money saved |") && text.contains("What is saved is not known"),
            "{text}"
        );
    }
}
