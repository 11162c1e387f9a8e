//! The report as one self-contained page, without a script.

use maud::{DOCTYPE, PreEscaped, html};

use super::ShadowReport;
use super::drawings::{by_part, kept_against_saved, over_time};
use super::tables::{INTERVALS, bad_rows, facts, feedback, settings, slices};
use crate::report::page::{STYLE, VERDICT_STYLE, figure};

/// Renders the page.
#[must_use]
pub fn page(found: &ShadowReport) -> String {
    let title = format!("Shadow report of {}", found.bundle.name);
    let (slices, feedback, bad_rows) = (slices(found), feedback(found), bad_rows(found));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(VERDICT_STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    p class="verdict" { (found.verdict) }
                    p { (INTERVALS) }
                }
                main {
                    (figure(&over_time(found)))
                    (figure(&kept_against_saved(found)))
                    (settings(found).html())
                    @if let Some(parts) = by_part(found) { (figure(&parts)) }
                    @if !slices.rows.is_empty() { (slices.html()) }
                    @if !feedback.rows.is_empty() { (feedback.html()) }
                    h2 { "How it was measured" }
                    dl {
                        @for (name, fact) in facts(found) { div { dt { (name) } dd { (fact) } } }
                    }
                    @if !bad_rows.rows.is_empty() { (bad_rows.html()) }
                }
            }
        }
    };
    page.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::shadow_report::tests::example;

    #[test]
    fn the_page_needs_nothing_but_itself_and_escapes_names() {
        for found in [example(300, 2, true), example(40, 9, false), example(1, 0, false)] {
            let text = page(&found);
            for outside in
                ["<script", "<link", "<img", "src=", "@import", "url(http", "NaN", "inf,", "inf\""]
            {
                assert!(!text.contains(outside), "{outside}");
            }
            assert!(text.contains("<title>Shadow report of support &amp; sales</title>"));
            assert!(text.contains("large &lt;4&gt;") && !text.contains("large <4>"));
            assert_eq!(text.matches("<svg").count(), 3);
        }
    }
}
