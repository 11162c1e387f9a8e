//! The verdict: whether the bound on the quality kept is shown to hold, and if not, how much more it takes.

use super::ShadowReport;
use crate::eval::shadow::weighted::Estimate;
use crate::eval::shadow::{Ends, Evidence, Leaning, Setting};
use crate::report::format::{count, short_percent};
use crate::report::own_prompts::verdict::{percent, two_digits};

/// A sentence on what is shown at any time, and one on what is saved.
#[must_use]
pub fn verdict(found: &ShadowReport) -> String {
    let measured = &found.measured;
    let bound = short_percent(measured.least_kept);
    let strong = &found.strong;
    let kept = format!(
        "{} is kept {}, by {} comparisons in {}",
        at_any_time(measured.at_setting.kept.value, measured.at_setting.kept_at_any_time),
        setting(found, measured.at_setting.setting),
        count(measured.rows),
        match measured.days {
            1 => "a day".to_owned(),
            days => format!("{days} days"),
        }
    );
    let first = match measured.evidence {
        Evidence::Enough => {
            format!(
                "Enough evidence that at least {bound} % of {strong}'s quality is kept: {kept}."
            )
        }
        Evidence::Worse => {
            format!(
                "Worse than the bound: less than {bound} % of {strong}'s quality is kept. Shown is that {kept}."
            )
        }
        Evidence::NotYet { leaning, more } => {
            format!(
                "Not yet enough evidence on whether {bound} % of {strong}'s quality is kept: {kept}. {}",
                outlook(found, leaning, more)
            )
        }
    };
    format!("{first} {}", saved(found))
}

/// "97.2 % (at any time from 95.1 % to 98.8 %)".
fn at_any_time(value: f64, ends: Ends) -> String {
    format!("{} (at any time from {} to {})", percent(value), percent(ends.low), percent(ends.high))
}

/// Which LLM is called, in words.
pub(super) fn setting(found: &ShadowReport, setting: Setting) -> String {
    match setting {
        Setting::Chosen => "as the router chose".into(),
        Setting::Threshold(at) => format!("at the threshold {at}"),
        Setting::StrongShare(share) => {
            format!("with {} % of requests sent to {}", short_percent(share), found.strong)
        }
    }
}

/// How many more verdicts would tell.
fn outlook(found: &ShadowReport, leaning: Leaning, more: Option<u64>) -> String {
    let side = match leaning {
        Leaning::Enough => "that it is",
        Leaning::Worse => "that it is not",
    };
    let Some(more) = more else {
        return "It is so near to the bound that no number of verdicts like these tells: state another bound, or wait \
                for verdicts that differ."
            .into();
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rounded = two_digits(more as f64) as usize;
    let a_day = found.measured.rows as f64 / found.measured.days as f64;
    let days = two_digits(more as f64 / a_day);
    let days = match days <= 1.0 {
        true => "about a day".to_owned(),
        false => format!("about {days:.0} days"),
    };
    format!(
        "Some {} more verdicts would show {side} if they go on as they are, {days} at the present rate of {} a day.",
        count(rounded),
        rate(a_day)
    )
}

/// Verdicts a day: whole ones from 10 up.
fn rate(a_day: f64) -> String {
    if a_day < 10.0 { format!("{a_day:.1}") } else { format!("{a_day:.0}") }
}

fn saved(found: &ShadowReport) -> String {
    let strong = &found.strong;
    match found.measured.at_setting.saved {
        None => format!(
            "What is saved is not known: both costs are known of {} comparisons.",
            found.measured.priced_rows
        ),
        Some(saved) if saved.value < 0.0 => {
            let more = Estimate { value: -saved.value, low: -saved.high, high: -saved.low };
            format!("Its cost is {} above that of always {strong}.", of_one_look(&more))
        }
        Some(saved) => format!("{} of the cost of always {strong} is saved.", of_one_look(&saved)),
    }
}

/// "61.0 % (from 58.1 % to 63.9 %)".
fn of_one_look(estimate: &Estimate) -> String {
    format!(
        "{} (95 % interval of one look from {} to {})",
        percent(estimate.value),
        percent(estimate.low),
        percent(estimate.high)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::shadow_report::tests::example;

    #[test]
    fn enough_evidence_says_what_is_kept_and_saved() {
        let text = example(3000, 1, true).verdict;
        assert!(
            text.starts_with(
                "Enough evidence that at least 95 % of large <4>'s quality is kept: 99."
            ),
            "{text}"
        );
        assert!(text.contains("as the router chose, by 3,000 comparisons in 4 days."), "{text}");
        assert!(text.ends_with("of the cost of always large <4> is saved."), "{text}");
    }

    #[test]
    fn too_few_verdicts_say_how_many_more_it_takes() {
        let text = example(40, 0, false).verdict;
        assert!(text.starts_with("Not yet enough evidence on whether 95 % of"), "{text}");
        assert!(
            text.contains(" more verdicts would show that it is if they go on as they are"),
            "{text}"
        );
        assert!(text.contains("days at the present rate of 10 a day."), "{text}");
        assert!(
            text.ends_with("What is saved is not known: both costs are known of 0 comparisons."),
            "{text}"
        );
    }

    #[test]
    fn a_bound_that_does_not_hold_is_called_worse() {
        let text = example(3000, 20, true).verdict;
        assert!(
            text.starts_with(
                "Worse than the bound: less than 95 % of large <4>'s quality is kept."
            ),
            "{text}"
        );
        let mut found = example(3000, 20, true);
        found.measured.at_setting.saved = Some(Estimate { value: -0.1, low: -0.2, high: 0.05 });
        assert!(verdict(&found).ends_with(
            "Its cost is 10.0 % (95 % interval of one look from -5.0 % to 20.0 %) above that of always large <4>."
        ));
    }

    #[test]
    fn what_lies_on_the_bound_is_not_promised() {
        let mut found = example(40, 0, false);
        found.measured.evidence = Evidence::NotYet { leaning: Leaning::Enough, more: None };
        assert!(verdict(&found).contains("no number of verdicts like these tells"));
        found.measured.evidence = Evidence::NotYet { leaning: Leaning::Worse, more: Some(1) };
        assert!(
            verdict(&found).contains("Some 1 more verdicts would show that it is not if"),
            "{}",
            verdict(&found)
        );
        assert!(verdict(&found).contains("about a day at the present rate"));
    }
}
