//! Whether verdicts are enough to say that a bound on the quality kept holds.

use serde::{Deserialize, Serialize};

use super::betting::{Rows, Side, ln_bar};

/// What the verdicts so far say of the least quality to keep. It may be looked at after every verdict: the chance
/// that it ever says [`Enough`](Self::Enough) or [`Worse`](Self::Worse) and is wrong is at most 5 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Evidence {
    /// At least the bound is kept.
    Enough,
    /// Less than the bound is kept.
    Worse,
    /// Both are possible.
    NotYet {
        leaning: Leaning,
        /// Verdicts more after which one of the two is shown, if they go on as they are; `None` where they are
        /// as near to the bound as cannot be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        more: Option<u64>,
    },
}

/// Which of the two the estimate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leaning {
    Enough,
    Worse,
}

impl Evidence {
    /// Reads the evidence off rows of quality lost, of which `lost` is the estimate.
    pub(super) fn of(rows: &Rows, lost: f64, least_kept: f64) -> Self {
        let bound = 1.0 - least_kept;
        let shown = |side| rows.ln_capital(bound, side) >= ln_bar();
        if shown(Side::Below) {
            return Self::Enough;
        }
        if shown(Side::Above) {
            return Self::Worse;
        }
        let (leaning, side) = match lost <= bound {
            true => (Leaning::Enough, Side::Below),
            false => (Leaning::Worse, Side::Above),
        };
        let more = rows.needed(bound, side).map(|needed| needed.saturating_sub(rows.len()).max(1));
        Self::NotYet { leaning, more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(lost: u32, won: u32, of: u32) -> Evidence {
        let mut rows = Rows::default();
        (0..lost).for_each(|_| rows.push(1.0, 1.0));
        (0..won).for_each(|_| rows.push(-1.0, 1.0));
        (lost + won..of).for_each(|_| rows.push(0.0, 1.0));
        Evidence::of(&rows, (f64::from(lost) - f64::from(won)) / f64::from(of.max(1)), 0.95)
    }

    #[test]
    fn evidence_comes_with_verdicts_and_says_how_many_are_missing() {
        assert_eq!(evidence(10, 2, 1000), Evidence::Enough);
        assert_eq!(evidence(300, 2, 1000), Evidence::Worse);
        let Evidence::NotYet { leaning: Leaning::Enough, more: Some(more) } = evidence(1, 0, 50)
        else {
            unreachable!("{:?}", evidence(1, 0, 50))
        };
        assert!((50..1000).contains(&more), "{more}");
        let Evidence::NotYet { leaning: Leaning::Worse, more: Some(more) } = evidence(5, 0, 50)
        else {
            unreachable!("{:?}", evidence(5, 0, 50))
        };
        assert!((50..1000).contains(&more), "{more}");
    }

    #[test]
    fn what_lies_on_the_bound_is_never_told() {
        assert_eq!(evidence(5, 0, 100), Evidence::NotYet { leaning: Leaning::Enough, more: None });
        assert_eq!(evidence(0, 0, 0), Evidence::NotYet { leaning: Leaning::Enough, more: None });
    }
}
