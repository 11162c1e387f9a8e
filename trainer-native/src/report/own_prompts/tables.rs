//! Facts and tables of the report.

use super::OwnPrompts;
use super::verdict::{percent, points, with_interval};
use crate::eval::savings::{ChanceAt, Estimate, Measured, Policy};
use crate::report::format::{count, short_percent, usd};
use crate::report::table::{Column, RowClass, Table};
use crate::report::tables::{Fact, dash, or_dash};

/// What was labelled, held out and paid.
pub(super) fn facts(found: &OwnPrompts) -> Vec<Fact> {
    let counts = &found.counts;
    let pair = &found.savings.pair;
    let bootstrap = &found.savings.bootstrap;
    let mut facts = vec![
        ("Strong LLM", pair.strong.clone()),
        ("Weak LLM", pair.weak.clone()),
        (
            "Prompts",
            format!(
                "{} read, {} answered by both LLMs, {} labelled",
                count(counts.prompts),
                count(counts.answered),
                count(counts.labelled)
            ),
        ),
        (
            "Held out",
            format!(
                "{} prompts, on which every number of this report is measured; never trained or calibrated \
                 on, nor is any prompt that asks the same or shares a passage ({} groups)",
                count(counts.held_out),
                count(counts.groups)
            ),
        ),
        (
            "Labels",
            format!(
                "{} better on {}, {} better on {}, alike on {}",
                pair.strong,
                count(counts.strong_better),
                pair.weak,
                count(counts.weak_better),
                count(counts.labelled.saturating_sub(counts.strong_better + counts.weak_better))
            ),
        ),
        ("Quality", found.labels.quality.clone()),
    ];
    facts.extend(found.labels.notes.iter().map(|note| ("Labelling", note.clone())));
    let cap =
        found.money.max_usd.map_or_else(String::new, |cap| format!(", cap USD {}", cents(cap)));
    facts.push((
        "Cost of labels",
        format!(
            "USD {} (answers {}, judging {}){cap}",
            cents(found.money.total_usd()),
            cents(found.money.answers_usd),
            cents(found.money.judging_usd)
        ),
    ));
    if let Some(router) = &found.router {
        let corrected = match router.corrected {
            true => "each LLM's ability and the ranking of prompts are fitted to the labels",
            false => {
                "each LLM's ability is fitted to the labels; the ranking stays the base's, since \
                      cross-validation found no gain in changing it"
            }
        };
        facts.push((
            "Router",
            format!(
                "{} of kind {}, from {}: {corrected}. Ships with {} % of calls to {}, threshold {:.4}",
                found.name,
                router.kind,
                router.base,
                short_percent(router.default_strong_share),
                pair.strong,
                router.threshold
            ),
        ));
    }
    facts.push((
        "Intervals",
        format!(
            "{} %, percentile bootstrap over {} groups of held-out prompts, {} resamples, seed {}",
            short_percent(bootstrap.level),
            count(found.savings.groups),
            count(bootstrap.resamples),
            bootstrap.seed
        ),
    ));
    facts
}

/// The name of a policy for a reader.
pub(super) fn name(found: &OwnPrompts, policy: Policy) -> String {
    let base = found.router.as_ref().map_or("the base", |router| router.base.as_str());
    match policy {
        Policy::Router => format!("router {}", found.name),
        Policy::Untrained => format!("{base}, untrained"),
        Policy::Length => "longest prompts".into(),
        Policy::Random => "random".into(),
        Policy::Oracle => "oracle, knows the answers".into(),
        Policy::AlwaysStrong => format!("always {}", found.savings.pair.strong),
        Policy::AlwaysWeak => format!("always {}", found.savings.pair.weak),
    }
}

/// Every policy with what it keeps and saves.
pub(super) fn policies(found: &OwnPrompts) -> Table {
    let columns = vec![
        Column::text("way of routing"),
        Column::number("asked share, %"),
        Column::number("strong calls, %"),
        Column::number("quality, %"),
        Column::number("quality kept"),
        Column::number("USD per 1,000 requests"),
        Column::number("money saved"),
        Column::number("above chance"),
    ];
    let caption = format!(
        "Quality kept and money saved against always {}, on {} held-out prompts",
        found.savings.pair.strong,
        count(found.savings.rows)
    );
    let mut table = Table::new(caption, columns);
    for measured in &found.savings.measured {
        let class = match measured.policy {
            Policy::Router => RowClass::Ours,
            _ => RowClass::Baseline,
        };
        table.push(class, cells(found, measured));
    }
    table.without_empty_columns()
}

fn cells(found: &OwnPrompts, measured: &Measured) -> Vec<String> {
    let estimate = |value: Option<Estimate>, show: fn(f64) -> String| {
        or_dash(value, |value| with_interval(&value, show))
    };
    vec![
        name(found, measured.policy),
        or_dash(measured.asked_share, short_percent),
        format!("{:.1}", 100.0 * measured.strong_share),
        match found.labels.is_relative {
            true => dash(),
            false => format!("{:.1}", 100.0 * measured.quality),
        },
        estimate(measured.kept, percent),
        or_dash(measured.usd_per_query, |one| usd(1000.0 * one)),
        estimate(measured.saved, percent),
        estimate(measured.over_chance, points),
    ]
}

/// What the column "above chance" compares with.
pub(super) fn chance_note(found: &OwnPrompts) -> &'static str {
    match found.savings.chance_at {
        ChanceAt::SameMoney => {
            "Above chance: points of quality kept more than what the same money buys when requests are sent to the \
             strong LLM at random. Where the interval holds 0, nothing is shown."
        }
        ChanceAt::SameShare => {
            "Above chance: points of quality kept more than the same share of requests reaches when they are sent to \
             the strong LLM at random; costs are not compared, since not every answer's is known or the strong LLM \
             is not the dearer one. Where the interval holds 0, nothing is shown."
        }
    }
}

/// After how many requests the labels have paid for themselves.
pub(super) fn repayment(found: &OwnPrompts) -> Table {
    let columns = vec![
        Column::text("asked share of strong calls, %"),
        Column::number("USD saved per 1,000 requests"),
        Column::number("requests until the labels are paid"),
    ];
    let caption = format!("When USD {} of labels are paid", cents(found.money.total_usd()));
    let mut table = Table::new(caption, columns);
    let strong = found.savings.fixed(Policy::AlwaysStrong).and_then(|m| m.usd_per_query);
    for share in found.savings.shares() {
        let router = found.savings.at(Policy::Router, share);
        let Some((strong, routed)) = strong.zip(router.and_then(|m| m.usd_per_query)) else {
            continue;
        };
        let saved = strong - routed;
        #[allow(clippy::cast_possible_truncation)]
        let requests = found.requests_to_pay(saved).map(|requests| count(requests as usize));
        let saved =
            if saved < 0.0 { format!("-{}", usd(-1000.0 * saved)) } else { usd(1000.0 * saved) };
        let cells = vec![short_percent(share), saved, requests.unwrap_or_else(|| "never".into())];
        table.push(RowClass::Ours, cells);
    }
    table
}

/// Dollars and cents; of less than a cent four digits.
fn cents(value: f64) -> String {
    if value >= 0.01 { format!("{value:.2}") } else { usd(value) }
}

/// What is not known, in words.
pub(super) fn notes(found: &OwnPrompts) -> Vec<String> {
    let savings = &found.savings;
    let (strong, weak) = (&savings.pair.strong, &savings.pair.weak);
    let mut notes = Vec::new();
    let gap = savings.fixed(Policy::AlwaysWeak).and_then(|weak| weak.kept?.interval);
    if gap.is_some_and(|kept| kept.high >= 1.0) {
        notes.push(format!(
            "{strong} is not shown to be better than {weak} on these prompts: {weak}'s interval of quality kept \
             reaches 100 %."
        ));
    }
    match savings.priced_rows {
        0 => notes.push(format!(
            "Money is not known: state input_price and output_price of {strong} and {weak} in models.toml."
        )),
        priced if priced < savings.rows => notes.push(format!(
            "Money is measured on the {} of {} prompts of which both costs are known.",
            count(priced),
            count(savings.rows)
        )),
        _ => {}
    }
    notes
}
