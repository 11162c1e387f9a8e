//! What a judge said, read strictly, and what two verdicts in both orders mean.

use serde::{Deserialize, Serialize};

/// The answer that a judge prefers, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The answer that is shown first.
    First,
    /// The answer that is shown second.
    Second,
    /// A tie.
    Neither,
}

impl Place {
    /// The same verdict, with the answers in the other order.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
            Self::Neither => Self::Neither,
        }
    }
}

/// The best grade; the worst is 1.
pub const BEST_GRADE: u8 = 10;

/// The place that a judge's answer names: its last line is `Verdict: A`, `Verdict: B` or `Verdict: tie`, or
/// the whole answer is one of the three words. `None` for anything else, and where an earlier line
/// states another verdict.
#[must_use]
pub fn place(answer: &str) -> Option<Place> {
    let word = |text: &str| match text.to_ascii_lowercase().as_str() {
        "a" => Some(Place::First),
        "b" => Some(Place::Second),
        "tie" => Some(Place::Neither),
        _ => None,
    };
    stated(answer, "verdict", word)
}

/// The grade that a judge's answer states, 1 to 10: its last line is `Score: N`, or the whole answer a number.
#[must_use]
pub fn grade(answer: &str) -> Option<u8> {
    let number = |text: &str| {
        let of_ten = text.strip_suffix("10").and_then(|text| text.trim_end().strip_suffix('/'));
        let number = of_ten.unwrap_or(text).trim_end();
        let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        number.parse().ok().filter(|grade| plain && (1..=BEST_GRADE).contains(grade))
    };
    stated(answer, "score", number)
}

fn stated<T: PartialEq>(answer: &str, name: &str, value: impl Fn(&str) -> Option<T>) -> Option<T> {
    let lines: Vec<String> = answer.lines().map(bare).filter(|line| !line.is_empty()).collect();
    let (last, before) = lines.split_last()?;
    let labelled = |line: &str| {
        let (label, rest) = line.split_once(':')?;
        if label.trim().eq_ignore_ascii_case(name) { value(rest.trim()) } else { None }
    };
    if before.is_empty()
        && let Some(alone) = value(last)
    {
        return Some(alone);
    }
    let found = labelled(last)?;
    before.iter().filter_map(|line| labelled(line)).all(|earlier| earlier == found).then_some(found)
}

/// A line without marks of layout and without a full stop at its end.
fn bare(line: &str) -> String {
    let plain: String =
        line.chars().filter(|c| !matches!(c, '*' | '_' | '`' | '#' | '[' | ']' | '"')).collect();
    plain.trim().trim_end_matches('.').trim_end().to_owned()
}

/// What two verdicts on answers X and Y say of X: 1 where it is better, 0 where it is worse, 0.5 for a tie.
/// `forward` was asked with X first, `backward` with Y first. A disagreement is a tie.
#[must_use]
pub fn target(forward: Place, backward: Place) -> f32 {
    match (forward, backward) {
        (Place::First, Place::Second) => 1.0,
        (Place::Second, Place::First) => 0.0,
        _ => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn verdicts_are_read_strictly() {
        for (answer, expected) in [
            ("Verdict: A", Some(Place::First)),
            ("Both are short.\n\n**Verdict: B**.\n", Some(Place::Second)),
            ("Verdict: **tie**", Some(Place::Neither)),
            ("verdict : TIE", Some(Place::Neither)),
            ("B", Some(Place::Second)),
            ("[[A]]", Some(Place::First)),
            ("Verdict: A\nVerdict: A", Some(Place::First)),
            ("Verdict: A\nOn second thoughts:\nVerdict: B", None),
            ("Verdict: A\nI hope that helps.", None),
            ("Answer A is better.", None),
            ("A is better\nB", None),
            ("Verdict: C", None),
            ("Verdict: A or B", None),
            ("Verdict: A (clearly)", None),
            ("<html><body>502</body></html>", None),
            ("", None),
        ] {
            assert_eq!(place(answer), expected, "{answer}");
        }
    }

    #[test]
    fn grades_are_read_strictly() {
        for (answer, expected) in [
            ("Good.\nScore: 8", Some(8)),
            ("**Score: 10/10**", Some(10)),
            ("Score: 7 / 10", Some(7)),
            ("3", Some(3)),
            ("Score: 0", None),
            ("Score: 11", None),
            ("Score: 7.5", None),
            ("Score: +7", None),
            ("Score: eight", None),
            ("Score: 8\nScore: 9", None),
            ("Score: 256", None),
            ("I would say 8", None),
        ] {
            assert_eq!(grade(answer), expected, "{answer}");
        }
    }

    #[test]
    fn a_disagreement_between_orders_is_a_tie() {
        use Place::{First, Neither, Second};
        for (forward, backward, expected) in [
            (First, Second, 1.0),
            (Second, First, 0.0),
            (First, First, 0.5),
            (Second, Second, 0.5),
            (Neither, First, 0.5),
            (Second, Neither, 0.5),
            (Neither, Neither, 0.5),
        ] {
            assert_eq!(target(forward, backward), expected, "{forward:?} {backward:?}");
        }
    }

    fn any_place() -> impl Strategy<Value = Place> {
        prop_oneof![Just(Place::First), Just(Place::Second), Just(Place::Neither)]
    }

    proptest! {
        /// With X and Y swapped, what was asked forward is asked backward.
        #[test]
        fn swapping_the_answers_mirrors_the_target(forward in any_place(), backward in any_place()) {
            prop_assert_eq!(target(forward, backward), 1.0 - target(backward, forward));
        }

        /// Whatever a judge says is read or refused; a verdict behind any reasoning without verdicts is read.
        #[test]
        fn any_answer_can_be_read(said in "(\\PC|\n){0,80}") {
            let _ = (place(&said), grade(&said));
            prop_assume!(!said.to_lowercase().contains("verdict"));
            prop_assert_eq!(place(&format!("{said}\nVerdict: B")), Some(Place::Second));
        }
    }
}
