//! Two routers on the same comparisons, each at its own threshold.
//!
//! ```text
//! difference in quality kept   mean of (2 target - 1) (1{the old one calls weak} - 1{the new one calls weak})
//! difference in money saved    sum of (strong's cost - weak's cost) (1{new calls weak} - 1{old calls weak}) / sum of strong's cost
//! ```
//! Requests on which both call the same LLM add nothing to either, so that an interval of a difference is narrower
//! than those of its two ends.

use serde::{Deserialize, Serialize};

use super::weighted::{Estimate, mean_of_differences, ratio};
use crate::eval::EvalError;

/// A comparison, and whether each of two routers calls the weak LLM.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Both {
    /// 1 where the strong answer is better, 0 where the weak one is, 1/2 for a tie.
    pub target: f64,
    /// 1 / probability.
    pub weight: f64,
    /// USD of the strong and the weak answer.
    pub costs: Option<[f64; 2]>,
    pub new_is_weak: bool,
    pub old_is_weak: bool,
}

/// What two routers keep and save, with intervals of one look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub rows: usize,
    /// Of the new router, of the old one, and new less old.
    pub kept: [Estimate; 3],
    /// The same of the money saved; `None` without costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<[Estimate; 3]>,
}

/// Compares two routers.
///
/// # Errors
/// [`EvalError::NoRows`].
pub fn compare(rows: &[Both]) -> Result<Comparison, EvalError> {
    let kept = |share: fn(&Both) -> f64| {
        let lost = rows.iter().map(|row| (row.weight, (2.0 * row.target - 1.0) * share(row)));
        mean_of_differences(lost).ok_or(EvalError::NoRows)
    };
    let saved = |share: fn(&Both) -> f64| {
        ratio(rows.iter().filter_map(|row| {
            let [strong, weak] = row.costs?;
            Some((row.weight, (strong - weak) * share(row), strong))
        }))
    };
    let new = |row: &Both| f64::from(u8::from(row.new_is_weak));
    let old = |row: &Both| f64::from(u8::from(row.old_is_weak));
    let more =
        |row: &Both| f64::from(u8::from(row.new_is_weak)) - f64::from(u8::from(row.old_is_weak));
    let less = kept(more)?;
    let difference = Estimate { value: -less.value, low: -less.high, high: -less.low };
    let saved = [saved(new), saved(old), saved(more)];
    Ok(Comparison {
        rows: rows.len(),
        kept: [kept(new)?.complement(), kept(old)?.complement(), difference],
        saved: match saved {
            [Some(new), Some(old), Some(more)] => Some([new, old, more]),
            _ => None,
        },
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_that_of_the_ends_and_narrower_where_the_routers_agree() {
        let row = |at: u32| Both {
            target: f64::from(at % 3) / 2.0,
            weight: 1.0,
            costs: Some([0.01 + f64::from(at % 7) / 1000.0, 0.001]),
            new_is_weak: at % 10 < 6,
            old_is_weak: at % 10 < 5,
        };
        let rows: Vec<Both> = (0..300).map(row).collect();
        let found = compare(&rows).unwrap();
        for [new, old, difference] in [found.kept, found.saved.unwrap()] {
            assert!((new.value - old.value - difference.value).abs() < 1e-12);
            assert!(difference.high - difference.low < 0.7 * (new.high - new.low), "{found:?}");
            assert!(difference.holds(difference.value), "{found:?}");
        }
        let same: Vec<Both> =
            rows.iter().map(|row| Both { old_is_weak: row.new_is_weak, ..*row }).collect();
        assert_eq!(compare(&same).unwrap().kept[2].value, 0.0);
        assert_eq!(compare(&[]), Err(EvalError::NoRows));
        let unpriced: Vec<Both> = rows.iter().map(|row| Both { costs: None, ..*row }).collect();
        assert_eq!(compare(&unpriced).unwrap().saved, None);
    }
}
