//! The report as Markdown.

use std::fmt::Write as _;

use super::OwnPrompts;
use super::tables::{chance_note, facts, notes, policies, repayment};
use crate::report::one_line;

/// Verdict, facts and tables.
#[must_use]
pub fn markdown(found: &OwnPrompts) -> String {
    let mut text =
        format!("# Routing of {}\n\n**{}**\n\n", one_line(&found.name), one_line(&found.verdict));
    for note in notes(found) {
        let _ = writeln!(text, "{}\n", one_line(&note));
    }
    for (name, fact) in facts(found) {
        let _ = writeln!(text, "- {name}: {}", one_line(&fact));
    }
    let table = policies(found);
    let _ = writeln!(text, "\n## {}\n\n{}", one_line(&table.caption), table.markdown());
    let _ = writeln!(text, "{}", chance_note(found));
    let table = repayment(found);
    if !table.rows.is_empty() {
        let _ = writeln!(text, "\n## {}\n\n{}", table.caption, table.markdown());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::own_prompts::NoRouter;
    use crate::report::own_prompts::tests::{example, without_router};
    use crate::report::table::assert_rows_match_headings;

    #[test]
    fn the_text_holds_the_verdict_and_every_way_of_routing() {
        let found = example(120, 8);
        let text = markdown(&found);
        assert!(text.starts_with("# Routing of support & sales\n\n**With "), "{text}");
        // Three fixed policies, and five at each of three shares.
        assert_eq!(text.matches("\n| always ").count(), 2);
        for way in ["router support & sales", "default, untrained", "longest prompts", "random"] {
            assert_eq!(text.matches(&format!("\n| {way} |")).count(), 3, "{way}");
        }
        assert!(text.contains("\n## When USD 3.25 of labels are paid\n"), "{text}");
        assert_rows_match_headings(&text);
    }

    #[test]
    fn without_a_router_there_is_nothing_to_repay() {
        let text = markdown(&without_router(NoRouter::AllEqual));
        assert!(text.contains("**No router was trained: ") && !text.contains("are paid"), "{text}");
    }
}
