//! Renders the page: the facts, tables and drawings of every benchmark, in one self-contained file.

use std::fmt::Write as _;

use super::charts::{self, Figure};
use super::format::{DASH, three};
use super::html::escape;
use super::table::{Column, RowClass, Table};
use super::{Stored, pair_tables, pool_tables};
use crate::eval::{PairResult, PoolResult};

const STYLE: &str = concat!(include_str!("style.css"), include_str!("svg/drawing.css"));

/// Renders an HTML page: results of pairs, then those of many models.
#[must_use]
pub fn page(title: &str, stored: &Stored) -> String {
    let title = escape(title);
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header><h1>{title}</h1>\n"
    );
    let Stored { pairs, pools } = stored;
    if pools.is_empty() || !pairs.is_empty() {
        text += INTRODUCTION;
    }
    if !pools.is_empty() {
        text += POOL_INTRODUCTION;
    }
    text += "</header>\n<main>\n";
    if pairs.is_empty() && pools.is_empty() {
        text += "<p>No results were given.</p>\n";
    }
    if pairs.len() + pools.len() > 1 {
        text += &contents(stored);
    }
    if pairs.len() > 1 {
        text += &overview(pairs).html();
    }
    if pools.len() > 1 {
        text += &pool_tables::overview(stored).html();
    }
    for (at, result) in pairs.iter().enumerate() {
        section(&mut text, result, at);
    }
    for (at, result) in pools.iter().enumerate() {
        pool_section(&mut text, result, at);
    }
    text + "</main>\n</body>\n</html>\n"
}

const INTRODUCTION: &str = "<p>A router sends each query to a weak or a strong model. \
    <dfn>PGR</dfn> is the part of the gap between them that it recovers, <dfn>APGR</dfn> the mean of \
    that over all shares of strong calls (chance 0.5, higher is better), <dfn>CPT(x)</dfn> the least \
    share of strong calls that recovers x per cent (lower is better), <dfn>AIQ</dfn> the mean score \
    over the range of cost, <dfn>ECE</dfn> the expected calibration error against the observed gain, \
    (1 + strong - weak) / 2. Brackets are intervals.</p>\n";

const POOL_INTRODUCTION: &str = "<p>A router of many models picks one for each query. Its \
    <dfn>score</dfn> is that of the model it picks; the <dfn>mean</dfn> is over data sets, each \
    counting alike. <dfn>Best single LLM</dfn> sends every query to one model, <dfn>best LLM of each \
    data set</dfn> knows which data set a query is from and nothing else; both are chosen on training \
    rows, and again in hindsight. <dfn>Oracle</dfn> picks the best model of each query. Brackets are \
    intervals.</p>\n";

fn contents(stored: &Stored) -> String {
    let mut text = String::from("<nav aria-label=\"Benchmarks\"><ul>\n");
    let pairs =
        stored.pairs.iter().enumerate().map(|(at, r)| (format!("b{at}"), &r.benchmark.name));
    let pools =
        stored.pools.iter().enumerate().map(|(at, r)| (format!("n{at}"), &r.benchmark.name));
    for (id, benchmark) in pairs.chain(pools) {
        let _ = writeln!(text, "<li><a href=\"#{id}\">{}</a></li>", escape(benchmark));
    }
    text + "</ul></nav>\n"
}

/// APGR of every router on every benchmark.
fn overview(results: &[PairResult]) -> Table {
    let mut columns = vec![Column::text("router")];
    columns.extend(results.iter().map(|result| Column::number(&result.benchmark.name)));
    let mut table = Table::new("APGR on every benchmark", columns);
    let mut names: Vec<(RowClass, String)> = Vec::new();
    for router in
        results.iter().flat_map(|result| &result.routers).filter(|r| r.metrics.apgr.is_some())
    {
        let class = if router.is_router() { RowClass::Ours } else { RowClass::Baseline };
        if !names.iter().any(|(_, name)| *name == router.label()) {
            names.push((class, router.label()));
        }
    }
    // The sort is stable: within a class the order of first appearance stays.
    names.sort_by_key(|(class, _)| *class != RowClass::Ours);
    for (class, name) in names {
        let mut cells = vec![name.clone()];
        cells.extend(results.iter().map(|result| {
            let found = result.routers.iter().find(|router| router.label() == name);
            found.and_then(|router| router.metrics.apgr).map_or_else(|| DASH.to_owned(), three)
        }));
        table.push(class, cells);
    }
    table
}

/// Opens a section: its heading and what was scored.
fn open(text: &mut String, id: &str, benchmark: &str, facts: Vec<(&'static str, String)>) {
    let heading = escape(benchmark);
    let _ =
        writeln!(text, "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{heading}</h2>\n<dl>");
    for (name, fact) in facts {
        let _ = writeln!(text, "<div><dt>{name}</dt><dd>{}</dd></div>", escape(&fact));
    }
    *text += "</dl>\n";
}

fn pool_section(text: &mut String, result: &PoolResult, at: usize) {
    open(text, &format!("n{at}"), &result.benchmark.name, pool_tables::facts(result));
    *text += &pool_tables::routers(result).html();
    for table in [pool_tables::shares(result), pool_tables::differences(result)] {
        if !table.rows.is_empty() {
            *text += &table.html();
        }
    }
    if let Some(many) = &result.many_models {
        *text += "<h3>Cost and quality</h3>\n";
        figure(text, &charts::of_many_models(&result.benchmark.name, 1.0, many, &format!("p{at}")));
        *text += &pool_tables::many_models(result).html();
    }
    *text += "</section>\n";
}

fn section(text: &mut String, result: &PairResult, at: usize) {
    open(text, &format!("b{at}"), &result.benchmark.name, pair_tables::facts(result));
    *text += &pair_tables::routers(result).html();
    figure(text, &charts::gap_recovered(result, &format!("g{at}")));
    for table in [pair_tables::differences(result), pair_tables::operating_points(result)] {
        if !table.rows.is_empty() {
            *text += &table.html();
        }
    }
    let reliability = charts::reliability(result, &format!("r{at}"));
    if !reliability.is_empty() {
        *text += "<h3>Reliability</h3>\n<p>Of queries with a predicted win rate of p, a share of p \
                  should be won. Bins hold equal counts of queries.</p>\n<div class=\"pair\">\n";
        reliability.iter().for_each(|found| figure(text, found));
        *text += "</div>\n";
    }
    if let Some(found) = charts::cost_quality(result, &format!("c{at}")) {
        *text += "<h3>Cost and quality</h3>\n";
        figure(text, &found);
        for table in [pair_tables::cost_quality(result), pair_tables::money(result)] {
            if !table.rows.is_empty() {
                *text += &table.html();
            }
        }
    }
    if let Some(found) = charts::many_models(result, &format!("m{at}")) {
        *text += "<h3>Cost and quality over all models</h3>\n";
        figure(text, &found);
        *text += &pair_tables::many_models(result).html();
    }
    categories(text, result, at);
    *text += "</section>\n";
}

fn categories(text: &mut String, result: &PairResult, at: usize) {
    let routers = || result.routers.iter().filter(|router| router.is_router());
    let mut drawings = routers()
        .enumerate()
        .filter_map(|(n, router)| charts::categories(result, router, &format!("k{at}-{n}")));
    if let Some(first) = drawings.next() {
        *text += "<h3>Categories</h3>\n";
        figure(text, &first);
        for other in drawings {
            let _ = writeln!(text, "<details><summary>{}</summary>", escape(&other.caption));
            figure(text, &other);
            *text += "</details>\n";
        }
    }
    for table in
        routers().flat_map(|r| [pair_tables::categories(result, r), pair_tables::reliability(r)])
    {
        if !table.rows.is_empty() {
            let (summary, table) = (escape(&table.caption), table.html());
            let _ = write!(text, "<details><summary>{summary}</summary>\n{table}</details>\n");
        }
    }
}

fn figure(text: &mut String, figure: &Figure) {
    let caption = escape(&figure.caption);
    let _ = writeln!(
        text,
        "<figure>\n<div class=\"scroll\">{}</div>\n<figcaption>{caption}</figcaption>\n</figure>",
        figure.svg
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::pair::build::tests::example;
    use crate::eval::pool::build::tests::example as example_of_a_pool;

    fn both() -> Stored {
        let pools = vec![example_of_a_pool(), example_of_a_pool()];
        Stored { pairs: vec![example(), example()], pools }
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
