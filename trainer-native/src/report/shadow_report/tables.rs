//! Facts and tables of the report.

use super::ShadowReport;
use super::verdict::setting;
use crate::eval::shadow::weighted::Estimate;
use crate::eval::shadow::{Ends, Kept, Setting};
use crate::report::format::{count, short_percent, usd};
use crate::report::own_prompts::verdict::percent;
use crate::report::table::{Column, RowClass, Table};
use crate::report::tables::{Fact, or_dash};

/// What each kind of interval may be used for.
pub(super) const INTERVALS: &str = "Two kinds of intervals. \"Of one look\": 95 % of samples of this size have an interval \
    that holds the truth; use it for a report that is read once. \"At any time\": a confidence sequence, of which 95 % \
    hold the truth after every verdict at once; the verdict above is read off it, and it may be looked at, and acted on, \
    as often as you like. Each setting has its own 95 %.";

/// What was drawn, compared and left out.
pub(super) fn facts(found: &ShadowReport) -> Vec<Fact> {
    let (counts, measured) = (&found.counts, &found.measured);
    let sha256 = found.bundle.sha256.get(..12).unwrap_or(&found.bundle.sha256);
    let mut facts = vec![
        ("Bundle", format!("{} {sha256}", found.bundle.name).trim_end().to_owned()),
        ("Strong LLM", found.strong.clone()),
        ("Weak LLM", found.weak.clone()),
        ("Days", format!("{} to {}", found.days[0], found.days[1])),
        (
            "Requests",
            format!(
                "{} decisions, {} of them of this bundle and drawable, {} drawn, each with a stated probability of {} at \
                 least",
                count(counts.decisions),
                count(counts.eligible),
                count(counts.drawn),
                measured.least_probability
            ),
        ),
        (
            "Comparisons",
            format!(
                "{}, weighted by 1 / probability (they say as much as {:.0} of equal probability); both costs known of {}",
                count(measured.rows),
                measured.effective_rows,
                count(measured.priced_rows)
            ),
        ),
        ("Judge", format!("{}, USD {}", found.judges.join(", "), usd(found.judge_usd))),
        (
            "Quality kept",
            format!(
                "100 % less the share of requests on which {}'s answer is called and the judge prefers {}'s in both \
                 orders, plus the share on which it prefers the one called. All else is a tie.",
                found.weak, found.strong
            ),
        ),
        ("Left out", left_out(found)),
    ];
    if measured.missing > 0 {
        facts.push((
        "If all were lost",
        format!(
            "{} comparisons failed or are missing. Had {} been better on each of them, {} of the quality would be kept.",
            count(measured.missing),
            found.strong,
            percent(measured.kept_if_missing_lost)
        ),
    ));
    }
    if found.observed.priced + found.observed.unpriced > 0 {
        facts.push(("Only observed", observed(found)));
    }
    facts
}

fn left_out(found: &ShadowReport) -> String {
    let counts = &found.counts;
    let failed: Vec<String> =
        counts.failed.iter().map(|(why, number)| format!("{} ({why})", count(*number))).collect();
    let mut parts = Vec::new();
    let mut say = |number: usize, what: &str| {
        if number > 0 {
            parts.push(format!("{} {what}", count(number)));
        }
    };
    say(counts.without_verdict, "drawn requests without a verdict");
    say(counts.of_other_groups, "verdicts of other bundles or pairs");
    say(counts.duplicate_verdicts, "second verdicts of a request");
    say(counts.duplicate_decisions, "second rows of a decision");
    say(counts.duplicate_outcomes, "second scores of a request");
    say(counts.bad.count, "bad rows");
    say(counts.other_files.count, "files that are neither .json nor .jsonl");
    if !failed.is_empty() {
        parts.push(format!("failed comparisons: {}", failed.join(", ")));
    }
    if counts.without_decision > 0 {
        parts.push(format!(
            "{} comparisons are kept though their decision is not in the log",
            count(counts.without_decision)
        ));
    }
    if parts.is_empty() { "nothing".into() } else { parts.join("; ") }
}

fn observed(found: &ShadowReport) -> String {
    let observed = &found.observed;
    let unpriced = match observed.unpriced {
        0 => String::new(),
        unpriced => format!("; of {} more a cost is not known", count(unpriced)),
    };
    format!(
        "on {} requests USD {} was paid for what was called; as the router chose, answers of the same length would have \
         cost USD {}{unpriced}",
        count(observed.priced),
        usd(observed.called_usd),
        usd(observed.chosen_usd)
    )
}

fn columns(first: Vec<Column>) -> Vec<Column> {
    let rest = [
        "strong calls, %",
        "quality kept",
        "95 % of one look",
        "95 % at any time",
        "money saved",
        "95 % of one look",
    ];
    first.into_iter().chain(rest.map(Column::number)).collect()
}

fn cells(kept: &Kept) -> Vec<String> {
    vec![
        format!("{:.1}", 100.0 * kept.strong_share),
        percent(kept.kept.value),
        one_look(&kept.kept),
        any_time(kept.kept_at_any_time),
        or_dash(kept.saved, |saved| percent(saved.value)),
        or_dash(kept.saved, |saved| one_look(&saved)),
    ]
}

fn one_look(estimate: &Estimate) -> String {
    ends(estimate.low, estimate.high)
}

fn any_time(found: Ends) -> String {
    ends(found.low, found.high)
}

fn ends(low: f64, high: f64) -> String {
    format!("[{}, {}]", percent(low).trim_end_matches(" %"), percent(high).trim_end_matches(" %"))
}

/// The setting of the verdict, then the shares.
pub(super) fn settings(found: &ShadowReport) -> Table {
    let caption = format!("Quality kept and money saved against always {}", found.strong);
    let mut table =
        Table::new(caption, columns(vec![Column::text("setting"), Column::number("threshold")]));
    let all = std::iter::once(&found.measured.at_setting).chain(&found.measured.at_shares);
    for (at, kept) in all.enumerate() {
        let name = match kept.setting {
            Setting::Chosen => "as the router chose".into(),
            Setting::Threshold(_) => "at the threshold stated".into(),
            Setting::StrongShare(share) => format!("{} % strong", short_percent(share)),
        };
        let threshold = or_dash(kept.threshold, |threshold| format!("{threshold:.4}"));
        let class = if at == 0 { RowClass::Ours } else { RowClass::Baseline };
        table.push(class, [vec![name, threshold], cells(kept)].concat());
    }
    table.without_empty_columns()
}

/// Tasks and keys at the setting of the verdict.
pub(super) fn slices(found: &ShadowReport) -> Table {
    let caption =
        format!("By part of the traffic, {}", setting(found, found.measured.at_setting.setting));
    let first = vec![
        Column::text("part"),
        Column::number("comparisons"),
        Column::number("share of requests, %"),
    ];
    let mut table = Table::new(caption, columns(first));
    for slice in &found.measured.slices {
        let first = vec![
            format!("{} {}", slice.slice.kind, slice.slice.name),
            count(slice.rows),
            format!("{:.1}", 100.0 * slice.share),
        ];
        table.push(RowClass::Ours, [first, cells(&slice.found)].concat());
    }
    table.without_empty_columns()
}

/// Scores of feedback by the LLM that was called.
pub(super) fn feedback(found: &ShadowReport) -> Table {
    let columns = vec![Column::text("LLM"), Column::number("scores"), Column::number("mean score")];
    let caption = "Feedback on the answers that callers got. The router chose who answers what, so the means of two LLMs \
                   are of different requests and are not to be compared";
    let mut table = Table::new(caption, columns);
    for of in &found.feedback {
        let mean = of.sum / of.scores.max(1) as f64;
        table.push(RowClass::Ours, vec![of.model.clone(), count(of.scores), format!("{mean:.3}")]);
    }
    table
}

/// The first bad rows.
pub(super) fn bad_rows(found: &ShadowReport) -> Table {
    let columns = vec![Column::text("file"), Column::number("line"), Column::text("what is wrong")];
    let bad = &found.counts.bad;
    let caption = format!("Bad rows, {} of {}", count(bad.rows.len()), count(bad.count));
    let mut table = Table::new(caption, columns);
    for row in &bad.rows {
        let cells = vec![row.path.clone(), row.line.to_string(), row.detail.clone()];
        table.push(RowClass::Baseline, cells);
    }
    table
}
