//! The page: every benchmark's facts, tables and drawings, in one file that needs no other.

use std::fmt::Write as _;

use super::figures::{self, Figure};
use super::format::{DASH, three};
use super::html::escape;
use super::tables;
use super::text_table::{Column, RowClass, Table};
use crate::eval::BenchmarkResult;

const STYLE: &str = include_str!("style.css");

/// The page as HTML.
#[must_use]
pub fn page(title: &str, results: &[BenchmarkResult]) -> String {
    let title = escape(title);
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header><h1>{title}</h1>\n{INTRODUCTION}</header>\n<main>\n"
    );
    if results.is_empty() {
        text += "<p>No results were given.</p>\n";
    }
    if results.len() > 1 {
        text += &contents(results);
        text += &overview(results).html();
    }
    for (at, result) in results.iter().enumerate() {
        section(&mut text, result, at);
    }
    text + "</main>\n</body>\n</html>\n"
}

const INTRODUCTION: &str = "<p>A router sends each query to a weak or a strong model. \
    <dfn>PGR</dfn> is the part of the gap between them that it recovers, <dfn>APGR</dfn> the mean of \
    that over all shares of strong calls (chance 0.5, higher is better), <dfn>CPT(x)</dfn> the least \
    share of strong calls that recovers x per cent (lower is better), <dfn>AIQ</dfn> the mean score \
    over the range of cost, <dfn>ECE</dfn> the expected calibration error against the observed gain, \
    (1 + strong - weak) / 2. Brackets are intervals.</p>\n";

fn contents(results: &[BenchmarkResult]) -> String {
    let mut text = String::from("<nav aria-label=\"Benchmarks\"><ul>\n");
    for (at, result) in results.iter().enumerate() {
        let _ = writeln!(text, "<li><a href=\"#b{at}\">{}</a></li>", escape(&result.benchmark));
    }
    text + "</ul></nav>\n"
}

/// APGR of every router on every benchmark.
fn overview(results: &[BenchmarkResult]) -> Table {
    let mut columns = vec![Column::text("router")];
    columns.extend(results.iter().map(|result| Column::number(&result.benchmark)));
    let mut table = Table::new("APGR on every benchmark", columns);
    let mut names: Vec<(RowClass, String)> = Vec::new();
    for router in results.iter().flat_map(|result| &result.routers).filter(|r| r.apgr.is_some()) {
        let class = if router.is_router() { RowClass::Ours } else { RowClass::Baseline };
        if !names.iter().any(|(_, name)| *name == router.label()) {
            names.push((class, router.label()));
        }
    }
    // Stable: within a class the order of first appearance stays.
    names.sort_by_key(|(class, _)| *class != RowClass::Ours);
    for (class, name) in names {
        let mut cells = vec![name.clone()];
        cells.extend(results.iter().map(|result| {
            let found = result.routers.iter().find(|router| router.label() == name);
            found.and_then(|router| router.apgr).map_or_else(|| DASH.to_owned(), three)
        }));
        table.push(class, cells);
    }
    table
}

fn section(text: &mut String, result: &BenchmarkResult, at: usize) {
    let heading = escape(&result.benchmark);
    let _ = writeln!(
        text,
        "<section aria-labelledby=\"b{at}\">\n<h2 id=\"b{at}\">{heading}</h2>\n<dl>"
    );
    for (name, fact) in tables::facts(result) {
        let _ = writeln!(text, "<div><dt>{name}</dt><dd>{}</dd></div>", escape(&fact));
    }
    *text += "</dl>\n";
    *text += &tables::routers(result).html();
    figure(text, &figures::gap_recovered(result, &format!("g{at}")));
    for table in [tables::differences(result), tables::operating_points(result)] {
        if !table.rows.is_empty() {
            *text += &table.html();
        }
    }
    let reliability = figures::reliability(result, &format!("r{at}"));
    if !reliability.is_empty() {
        *text += "<h3>Reliability</h3>\n<p>Of queries with a predicted win rate of p, a share of p \
                  should be won. Bins hold equal counts of queries.</p>\n<div class=\"pair\">\n";
        reliability.iter().for_each(|found| figure(text, found));
        *text += "</div>\n";
    }
    if let Some(found) = figures::cost_quality(result, &format!("c{at}")) {
        *text += "<h3>Cost and quality</h3>\n";
        figure(text, &found);
        for table in [tables::cost_quality(result), tables::money(result)] {
            if !table.rows.is_empty() {
                *text += &table.html();
            }
        }
    }
    if let Some(found) = figures::many_models(result, &format!("m{at}")) {
        *text += "<h3>Cost and quality over all models</h3>\n";
        figure(text, &found);
        *text += &tables::many_models(result).html();
    }
    categories(text, result, at);
    *text += "</section>\n";
}

fn categories(text: &mut String, result: &BenchmarkResult, at: usize) {
    let routers = || result.routers.iter().filter(|router| router.is_router());
    let mut drawings = routers()
        .enumerate()
        .filter_map(|(n, router)| figures::categories(result, router, &format!("k{at}-{n}")));
    if let Some(first) = drawings.next() {
        *text += "<h3>Categories</h3>\n";
        figure(text, &first);
        for other in drawings {
            let _ = writeln!(text, "<details><summary>{}</summary>", escape(&other.caption));
            figure(text, &other);
            *text += "</details>\n";
        }
    }
    for table in routers().flat_map(|r| [tables::categories(result, r), tables::reliability(r)]) {
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
    use crate::eval::results::build::tests::example;

    #[test]
    fn the_page_needs_nothing_but_itself() {
        let text = page("Routers & <more>", &[example(), example()]);
        for outside in ["<script", "<link", "<img", "src=", "@import", "url(http"] {
            assert!(!text.contains(outside), "{outside}");
        }
        assert!(text.contains("<title>Routers &amp; &lt;more&gt;</title>"));
        assert!(text.contains("prefers-color-scheme: dark") && text.contains("@media print"));
    }

    #[test]
    fn elements_are_closed_and_ids_unique() {
        let text = page("Routers", &[example(), example()]);
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
        let text = page("Routers", &[example()]);
        assert_eq!(text.matches("<svg").count(), text.matches("<desc").count());
        assert_eq!(text.matches("<table>").count(), text.matches("<caption>").count());
        assert!(page("Routers", &[]).contains("No results were given."));
    }
}
