//! The report as one self-contained page, without a script.

use maud::{DOCTYPE, PreEscaped, html};

use super::OwnPrompts;
use super::drawings::{kept_against_money, over_chance, saved};
use super::tables::{chance_note, facts, notes, policies, repayment};
use crate::report::charts::Figure;
use crate::report::page::{STYLE, VERDICT_STYLE, figure};

/// Renders the page.
#[must_use]
pub fn page(found: &OwnPrompts) -> String {
    let repayment = repayment(found);
    let title = format!("Routing of {}", found.name);
    let halves: Vec<Figure> = [over_chance(found), saved(found)].into_iter().flatten().collect();
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
                    @for note in notes(found) { p { (note) } }
                }
                main {
                    (figure(&kept_against_money(found)))
                    @if !halves.is_empty() {
                        div class="pair" { @for half in &halves { (figure(half)) } }
                    }
                    (policies(found).html())
                    p { (chance_note(found)) }
                    @if !repayment.rows.is_empty() { (repayment.html()) }
                    h2 { "How it was measured" }
                    dl {
                        @for (name, fact) in facts(found) { div { dt { (name) } dd { (fact) } } }
                    }
                }
            }
        }
    };
    page.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::own_prompts::NoRouter;
    use crate::report::own_prompts::tests::{example, without_router};

    #[test]
    fn the_page_needs_nothing_but_itself_and_escapes_names() {
        for found in [example(120, 8), without_router(NoRouter::NoGap)] {
            let text = page(&found);
            for outside in ["<script", "<link", "<img", "src=", "@import", "url(http", "NaN"] {
                assert!(!text.contains(outside), "{outside}");
            }
            assert!(text.contains("<title>Routing of support &amp; sales</title>"));
            assert!(text.contains("large &lt;4&gt;") && !text.contains("large <4>"));
        }
    }
}
