//! Renders the page: the facts, tables and drawings of every benchmark, in one self-contained file.
//!
//! Style and drawings are inline and there is no script. The page follows the reader's choice of a
//! light or dark screen and prints on white.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::charts::{self, Figure};
use super::table::Table;
use super::tables::Fact;
use super::{pair_tables, pool_tables, sanity_tables, transfer_tables};
use crate::eval::{PairResult, PoolResult, SanityResult, Stored, TransferResult};

pub(super) const STYLE: &str = concat!(include_str!("style.css"), include_str!("svg/drawing.css"));

/// Emphasis of the verdict.
pub(super) const VERDICT_STYLE: &str = ".verdict { font-size: 1.2rem; line-height: 1.45; max-width: 52rem; padding: .9rem 1.1rem; \
    border-left: 4px solid var(--c0); background: var(--shade); }\n";

/// Renders an HTML page: results of pairs, then those of pools.
#[must_use]
pub fn page(title: &str, stored: &Stored) -> String {
    let Stored { pairs, pools, transfers, sanities } = stored;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    @if pools.is_empty() || !pairs.is_empty() { (PreEscaped(PAIR_INTRODUCTION)) }
                    @if !pools.is_empty() { (PreEscaped(POOL_INTRODUCTION)) }
                }
                main {
                    @if [pairs.len(), pools.len(), transfers.len(), sanities.len()] == [0; 4] { p { "No results were given." } }
                    @if pairs.len() + pools.len() > 1 { (contents(stored)) }
                    @if pairs.len() > 1 { (pair_tables::overview(pairs).html()) }
                    @if pools.len() > 1 { (pool_tables::overview(pools).html()) }
                    @for (at, result) in pairs.iter().enumerate() { (pair_section(result, at)) }
                    @for (at, result) in pools.iter().enumerate() { (pool_section(result, at)) }
                    @for (at, result) in transfers.iter().enumerate() { (transfer_section(result, at)) }
                    @for (at, result) in sanities.iter().enumerate() { (sanity_section(result, at)) }
                }
            }
        }
    };
    page.into_string()
}

const PAIR_INTRODUCTION: &str = "<p>A router sends each query to a weak or a strong model. \
    <dfn>PGR</dfn> is the part of the gap between them that it recovers, <dfn>APGR</dfn> the mean of \
    that over all shares of strong calls (chance 0.5, higher is better), <dfn>CPT(x)</dfn> the least \
    share of strong calls that recovers x per cent (lower is better), <dfn>AIQ</dfn> the mean score \
    over the range of cost, <dfn>ECE</dfn> the expected calibration error against the observed gain, \
    (1 + strong - weak) / 2, <dfn>AUC</dfn> the area under the ROC curve of the queries on which the \
    weak model suffices. Brackets are intervals.</p>\n";

const POOL_INTRODUCTION: &str = "<p>A router of many models picks one for each query. Its \
    <dfn>score</dfn> is that of the model it picks; the <dfn>mean</dfn> is over data sets, each \
    counting alike. <dfn>Best single LLM</dfn> sends every query to one model, <dfn>best LLM of each \
    data set</dfn> knows which data set a query is from and nothing else; both are chosen on training \
    rows, and again in hindsight. <dfn>Oracle</dfn> picks the best model of each query. Brackets are \
    intervals.</p>\n";

fn contents(stored: &Stored) -> Markup {
    let pairs = stored.pairs.iter().enumerate().map(|(at, r)| (pair_id(at), &r.benchmark.name));
    let pools = stored.pools.iter().enumerate().map(|(at, r)| (pool_id(at), &r.benchmark.name));
    html! {
        nav aria-label="Benchmarks" {
            ul {
                @for (id, benchmark) in pairs.chain(pools) {
                    li { a href=(format!("#{id}")) { (benchmark) } }
                }
            }
        }
    }
}

fn pair_id(at: usize) -> String {
    format!("b{at}")
}

fn pool_id(at: usize) -> String {
    format!("n{at}")
}

/// A section: its heading, what was scored, and its content.
fn section(id: &str, benchmark: &str, facts: Vec<Fact>, content: &Markup) -> Markup {
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (benchmark) }
            dl {
                @for (name, fact) in facts {
                    div { dt { (name) } dd { (fact) } }
                }
            }
            (content)
        }
    }
}

fn transfer_section(result: &TransferResult, at: usize) -> Markup {
    let content = html! {
        (transfer_tables::apgr(result).html())
        (transfer_tables::auc(result).html())
        (filled([transfer_tables::needs(&result.needs)]))
    };
    let title = format!("{} on sources left out", result.recipe);
    section(&format!("t{at}"), &title, transfer_tables::facts(result), &content)
}

fn sanity_section(result: &SanityResult, at: usize) -> Markup {
    let one = std::slice::from_ref(result);
    let content = html! {
        (sanity_tables::checks(one).html())
        (filled([sanity_tables::languages(one), transfer_tables::needs(&result.needs)]))
    };
    let title = format!("Decision sanity of {}", result.bundle);
    section(&format!("s{at}"), &title, sanity_tables::facts(result), &content)
}

fn pool_section(result: &PoolResult, at: usize) -> Markup {
    let content = html! {
        (pool_tables::routers(result).html())
        (filled([pool_tables::shares(result), pool_tables::differences(result)]))
        @if let Some(many) = &result.many_models {
            h3 { "Cost and quality" }
            (figure(&charts::of_many_models(&result.benchmark.name, 1.0, many, &format!("p{at}"))))
            (pool_tables::many_models(result).html())
        }
    };
    section(&pool_id(at), &result.benchmark.name, pool_tables::facts(result), &content)
}

fn pair_section(result: &PairResult, at: usize) -> Markup {
    let reliability = charts::reliability(result, &format!("r{at}"));
    let content = html! {
        (pair_tables::routers(result).html())
        (figure(&charts::gap_recovered(result, &format!("g{at}"))))
        (filled([pair_tables::differences(result), pair_tables::operating_points(result)]))
        @if !reliability.is_empty() {
            h3 { "Reliability" }
            p {
                "Of queries with a predicted win rate of p, a share of p should be won. Bins hold \
                 equal counts of queries."
            }
            div class="pair" {
                @for found in &reliability { (figure(found)) }
            }
        }
        @if let Some(found) = charts::cost_quality(result, &format!("c{at}")) {
            h3 { "Cost and quality" }
            (figure(&found))
            (filled([pair_tables::cost_quality(result), pair_tables::money(result)]))
        }
        @if let Some(found) = charts::many_models(result, &format!("m{at}")) {
            h3 { "Cost and quality over all models" }
            (figure(&found))
            (pair_tables::many_models(result).html())
        }
        (categories(result, at))
    };
    section(&pair_id(at), &result.benchmark.name, pair_tables::facts(result), &content)
}

fn categories(result: &PairResult, at: usize) -> Markup {
    let routers = || result.routers.iter().filter(|router| router.is_router());
    let drawings: Vec<Figure> = routers()
        .enumerate()
        .filter_map(|(n, router)| charts::categories(result, router, &format!("k{at}-{n}")))
        .collect();
    let tables =
        routers().flat_map(|r| [pair_tables::categories(result, r), pair_tables::reliability(r)]);
    html! {
        @if let Some((first, others)) = drawings.split_first() {
            h3 { "Categories" }
            (figure(first))
            @for other in others {
                details { summary { (other.caption) } (figure(other)) }
            }
        }
        @for table in tables {
            @if !table.rows.is_empty() {
                details { summary { (table.caption) } (table.html()) }
            }
        }
    }
}

/// The tables that have rows.
fn filled(tables: impl IntoIterator<Item = Table>) -> Markup {
    html! {
        @for table in tables {
            @if !table.rows.is_empty() { (table.html()) }
        }
    }
}

pub(super) fn figure(figure: &Figure) -> Markup {
    html! {
        figure {
            div class="scroll" { (PreEscaped(&figure.svg)) }
            figcaption { (figure.caption) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::pair::build::tests::example;
    use crate::eval::pool::build::tests::example as example_of_a_pool;
    use crate::eval::sanity::tests::example as example_of_sanity;
    use crate::eval::transfer::tests::example as example_of_transfer;

    fn both() -> Stored {
        let pools = vec![example_of_a_pool(), example_of_a_pool()];
        let (transfers, sanities) = (vec![example_of_transfer()], vec![example_of_sanity()]);
        Stored { pairs: vec![example(), example()], pools, transfers, sanities }
    }

    #[test]
    fn the_page_needs_nothing_but_itself() {
        let text = page("Routers & <more>", &both());
        for outside in ["<script", "<link", "<img", "src=", "@import", "url(http"] {
            assert!(!text.contains(outside), "{outside}");
        }
        assert!(text.contains("<title>Routers &amp; &lt;more&gt;</title>"));
        assert!(text.contains("prefers-color-scheme: dark") && text.contains("@media print"));
    }

    #[test]
    fn elements_are_closed_and_ids_unique() {
        let text = page("Routers", &both());
        for element in
            ["table", "tr", "td", "th", "svg", "figure", "section", "div", "details", "text"]
        {
            let opened = text.matches(&format!("<{element}>")).count()
                + text.matches(&format!("<{element} ")).count();
            assert_eq!(opened, text.matches(&format!("</{element}>")).count(), "{element}");
        }
        let mut ids: Vec<&str> =
            text.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
        // Every reference to a title, description, heading or clip path has its target.
        for reference in text.split("url(#").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(ids.binary_search(&reference).is_ok(), "{reference}");
        }
    }

    #[test]
    fn drawings_and_tables_say_what_they_are() {
        let text = page("Routers", &both());
        assert_eq!(text.matches("<svg").count(), text.matches("<desc").count());
        assert_eq!(text.matches("<table>").count(), text.matches("<caption>").count());
        assert!(page("Routers", &Stored::default()).contains("No results were given."));
    }

    #[test]
    fn a_page_explains_the_results_it_has() {
        let (pairs, many) = ("weak or a strong model", "picks one for each query");
        let of_pairs = page("Routers", &Stored { pairs: vec![example()], ..Stored::default() });
        assert!(of_pairs.contains(pairs) && !of_pairs.contains(many));
        let of_many =
            page("Routers", &Stored { pools: vec![example_of_a_pool()], ..Stored::default() });
        assert!(!of_many.contains(pairs) && of_many.contains(many));
        assert!(of_many.contains("Made up &lt;tasks&gt;") && of_many.contains("sums &amp; more"));
        // One section needs no contents.
        assert!(!of_many.contains("<nav") && page("Routers", &both()).contains("href=\"#n1\""));
    }
}
