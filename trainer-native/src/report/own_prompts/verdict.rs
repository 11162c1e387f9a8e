//! The verdict: one sentence that says what was shown, and what was not.

use super::{NoRouter, OwnPrompts};
use crate::eval::bootstrap::Interval;
use crate::eval::savings::{ChanceAt, Estimate, Measured, Policy};
use crate::report::format::{count, short_percent};

/// One sentence on the router at its own share of strong calls, and on the shares at which nothing is shown.
#[must_use]
pub fn verdict(found: &OwnPrompts) -> String {
    if let Some(reason) = found.no_router {
        return without_router(found, reason);
    }
    let shown = |share: &f64| found.savings.at(Policy::Router, *share);
    let headline = found.headline_share().as_ref().and_then(shown);
    let Some(at) = headline else {
        return "Nothing is shown: no share of strong calls was measured.".into();
    };
    let gain = at.over_chance.map(|gain| of_gain(found, &gain));
    let reached = reached(found, at);
    let first = match (&gain, at.is_above_chance()) {
        (Some(gain), true) => format!("With {reached}, {gain}"),
        (Some(gain), false) => {
            format!(
                "Nothing is shown yet: with {reached}, but {gain}, an interval that holds 0{}",
                remedy(found, at)
            )
        }
        (None, _) => format!("With {reached}"),
    };
    let others: Vec<String> = (found.savings.shares().iter())
        .filter_map(shown)
        .filter(|other| other.asked_share != at.asked_share && !other.is_above_chance())
        .map(|other| not_shown(found, other))
        .collect();
    match (at.is_above_chance(), others.is_empty()) {
        (true, false) => format!("{first}; {}.", others.join("; ")),
        _ => format!("{first}."),
    }
}

/// "40 % of requests asked for `large` (41 % came of it) the router keeps ... and saves ...".
fn reached(found: &OwnPrompts, at: &Measured) -> String {
    let strong = &found.savings.pair.strong;
    let share = short_percent(round(at.strong_share, 3));
    let kept = at.kept.map_or_else(
        || "scores what it scores".to_owned(),
        |kept| format!("keeps {} of its quality", with_interval(&kept, percent)),
    );
    let saved = match at.saved {
        Some(saved) if saved.value >= 0.0 => {
            format!("saves {} of its cost", with_interval(&saved, percent))
        }
        Some(saved) => format!("costs {} more", with_interval(&negative(&saved), percent)),
        None => "saves an amount that is not known, since prices are not".to_owned(),
    };
    format!("{share} % of the requests sent to {strong}, the router {kept} and {saved}")
}

/// "2.1 points [0.8, 3.4] more quality than the same money buys at random".
fn of_gain(found: &OwnPrompts, gain: &Estimate) -> String {
    let than = match found.savings.chance_at {
        ChanceAt::SameMoney => "the same money buys at random",
        ChanceAt::SameShare => "as many requests sent at random reach",
    };
    match gain.value >= 0.0 {
        true => format!("{} more quality than {than}", with_interval(gain, points)),
        false => format!("{} less quality than {than}", with_interval(&negative(gain), points)),
    }
}

/// "; at 20 % nothing is shown ...".
fn not_shown(found: &OwnPrompts, at: &Measured) -> String {
    let share = short_percent(at.asked_share.unwrap_or(at.strong_share));
    let gain =
        at.over_chance.map_or_else(String::new, |gain| format!(" ({})", of_gain(found, &gain)));
    format!("at {share} % nothing is shown{gain}{}", remedy(found, at))
}

/// How many more prompts would show the gain.
fn remedy(found: &OwnPrompts, at: &Measured) -> String {
    let held_out = found.router.as_ref().map_or(1.0, |router| router.held_out_share);
    let Some(needed) = at.rows_needed else {
        return ", and more prompts alone are not expected to show one".into();
    };
    let more = needed.saturating_sub(found.savings.rows) as f64 / held_out;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let more = two_digits(more) as usize;
    format!(", and some {} more prompts would be needed to show it", count(more))
}

fn without_router(found: &OwnPrompts, reason: NoRouter) -> String {
    let pair = &found.savings.pair;
    let (strong, weak) = (&pair.strong, &pair.weak);
    let prompts = count(found.counts.labelled);
    let saved = found.savings.fixed(Policy::AlwaysWeak).and_then(|weak| weak.saved);
    let saving = saved.filter(|saved| saved.value > 0.0).map_or_else(String::new, |saved| {
        format!(", which saves {} of the cost", with_interval(&saved, percent))
    });
    match reason {
        NoRouter::AllEqual => format!(
            "No router was trained: {strong} and {weak} did equally well on each of the {prompts} \
             labelled prompts, so send all requests to {weak}{saving}, or label harder prompts."
        ),
        NoRouter::StrongNeverBetter => format!(
            "No router was trained: {strong} did better than {weak} on none of the {prompts} labelled \
             prompts, so send all requests to {weak}{saving}."
        ),
        NoRouter::StrongAlwaysBetter => format!(
            "No router was trained: {weak} did worse than {strong} on each of the {prompts} labelled \
             prompts, so send all requests to {strong}, or choose a better weak LLM."
        ),
        NoRouter::NoGap => format!(
            "No router was trained: {strong} does not score above {weak} on the {prompts} labelled prompts, \
             so send all requests to {weak}{saving}, or swap the two where {weak} is the dearer one."
        ),
    }
}

/// A number and its interval.
pub(super) fn with_interval(estimate: &Estimate, show: fn(f64) -> String) -> String {
    let unit = unit_of(&show(0.0));
    let number = |value: f64| show(value).trim_end_matches(&unit).to_owned();
    match estimate.interval {
        // What is so by definition, such as that the strong LLM keeps its own quality, has no width.
        Some(Interval { low, high, .. }) if low < high => {
            format!("{}{unit} [{}, {}]", number(estimate.value), number(low), number(high))
        }
        _ => show(estimate.value),
    }
}

fn unit_of(zero: &str) -> String {
    zero.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned()
}

/// A share as per cent with one decimal: `97.9 %`.
pub(in crate::report) fn percent(share: f64) -> String {
    format!("{:.1} %", without_minus_zero(100.0 * share, 1))
}

/// A difference of shares: `2.1 points`.
pub(super) fn points(difference: f64) -> String {
    format!("{:.1} points", without_minus_zero(100.0 * difference, 1))
}

fn without_minus_zero(value: f64, decimals: i32) -> f64 {
    let rounded = round(value, decimals);
    if rounded == 0.0 { 0.0 } else { rounded }
}

fn round(value: f64, decimals: i32) -> f64 {
    let unit = 10_f64.powi(decimals);
    (value * unit).round() / unit
}

/// Rounded up to two significant digits.
pub(in crate::report) fn two_digits(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let unit = 10_f64.powf((value.log10().floor() - 1.0).max(0.0));
    (value / unit).ceil() * unit
}

fn negative(estimate: &Estimate) -> Estimate {
    let interval =
        estimate.interval.map(|i| Interval { low: -i.high, median: -i.median, high: -i.low, ..i });
    Estimate { value: -estimate.value, interval }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::report::own_prompts::tests::{example, without_router};

    #[test]
    fn a_router_that_knows_is_shown_with_its_saving_and_its_gain() {
        let text = verdict(&example(900, 8));
        assert!(text.starts_with("With 4") || text.starts_with("With 39"), "{text}");
        assert!(text.contains(" % of the requests sent to large <4>, the router keeps "), "{text}");
        assert!(text.contains(" % [") && text.contains("] of its cost, "), "{text}");
        assert!(text.ends_with("more quality than the same money buys at random."), "{text}");
    }

    #[test]
    fn a_gain_whose_interval_holds_zero_is_said_to_be_nothing_with_the_prompts_it_would_take() {
        let mut found = example(90, 1);
        let router = |m: &&mut Measured| m.policy == Policy::Router && m.asked_share == Some(0.4);
        let at = found.savings.measured.iter_mut().find(router).unwrap();
        let interval = Interval {
            low: -0.012,
            median: 0.01,
            high: 0.03,
            level: 0.95,
            resamples: 9,
            undefined: 0,
        };
        at.over_chance = Some(Estimate { value: 0.0101, interval: Some(interval) });
        at.rows_needed = Some(1000);
        let text = verdict(&found);
        assert!(text.starts_with("Nothing is shown yet: "), "{text}");
        // 910 rows more, of which 30 % are held out.
        let end = "but 1.0 points [-1.2, 3.0] more quality than the same money buys at random, an interval that holds 0, and \
                   some 3,100 more prompts would be needed to show it.";
        assert!(text.ends_with(end), "{text}");
        let at = found.savings.measured.iter_mut().find(router).unwrap();
        at.rows_needed = None;
        at.over_chance = Some(Estimate { value: -0.02, interval: Some(interval) });
        let text = verdict(&found);
        assert!(text.contains("2.0 points [-3.0, 1.2] less quality than"), "{text}");
        assert!(text.ends_with("more prompts alone are not expected to show one."), "{text}");
    }

    #[test]
    fn a_share_at_which_nothing_is_shown_is_named_beside_one_at_which_there_is() {
        let mut found = example(900, 8);
        let router = |m: &&mut Measured| m.policy == Policy::Router && m.asked_share == Some(0.6);
        let at = found.savings.measured.iter_mut().find(router).unwrap();
        at.over_chance = Some(Estimate { value: 0.0, interval: None });
        let text = verdict(&found);
        assert!(
            text.contains("; at 60 % nothing is shown (0.0 points more quality than"),
            "{text}"
        );
    }

    #[test]
    fn without_a_router_the_sentence_says_where_to_send_requests() {
        let of = |reason| without_router(reason).verdict;
        for reason in [NoRouter::AllEqual, NoRouter::StrongNeverBetter, NoRouter::NoGap] {
            assert!(of(reason).contains("send all requests to small, which saves"), "{reason:?}");
        }
        assert!(of(NoRouter::StrongAlwaysBetter).contains("send all requests to large <4>"));
    }

    #[test]
    fn numbers_are_rounded_away_from_promises() {
        let of = |value: f64| two_digits(value);
        assert_eq!([of(0.0), of(3.2), of(41.0), of(3033.4)], [0.0, 4.0, 41.0, 3100.0]);
        assert_eq!((percent(-0.0001), points(-0.0123)), ("0.0 %".into(), "-1.2 points".into()));
    }
}
