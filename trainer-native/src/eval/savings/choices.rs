//! Which rows a policy sends to the strong LLM.

use super::{CurvePoint, Policy, PolicyCurve};
use crate::eval::pair::rows::PairRow;

/// Steps of a curve, from 0 to 1.
const STEPS: usize = 40;

/// Share of each row that goes to the strong LLM at a threshold: 0 or 1.
pub(super) fn at_threshold(win_rates: &[f64], threshold: f64) -> Vec<f64> {
    win_rates.iter().map(|&rate| f64::from(u8::from(rate >= threshold))).collect()
}

/// The share of the rows on which the strong LLM gains most, fewer where it gains on fewer. Of rows of one
/// gain the first are taken.
pub(super) fn oracle(rows: &[PairRow], share: f64) -> Vec<f64> {
    let mut chosen = vec![0.0; rows.len()];
    let most = (share * rows.len() as f64).round() as usize;
    for (at, gain) in by_gain(rows).into_iter().take(most) {
        if gain > 0.0 {
            chosen[at] = 1.0;
        }
    }
    chosen
}

/// Places of the rows with the strong LLM's gains, the largest first.
fn by_gain(rows: &[PairRow]) -> Vec<(usize, f64)> {
    let mut gains: Vec<(usize, f64)> =
        rows.iter().map(|row| row.strong - row.weak).enumerate().collect();
    gains.sort_by(|a, b| b.1.total_cmp(&a.1));
    gains
}

/// The curve of a policy that sends the rows of the largest `keys` to the strong LLM first. Between rows of one
/// key none is preferred, so there the curve is straight.
pub(super) fn curve(policy: Policy, rows: &[PairRow], keys: &[f64]) -> PolicyCurve {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| keys[b].total_cmp(&keys[a]));
    let count = rows.len() as f64;
    let costs: Option<Vec<(f64, f64)>> = rows.iter().map(PairRow::costs).collect();
    let (mut quality, mut usd) = (0.0, 0.0);
    for (at, row) in rows.iter().enumerate() {
        quality += row.weak / count;
        usd += costs.as_ref().map_or(0.0, |costs| costs[at].0 / count);
    }
    // Corners where the key changes.
    let mut corners = vec![(0.0, quality, usd)];
    let mut place = 0;
    while let Some(&first) = order.get(place) {
        while let Some(&at) = order.get(place).filter(|&&at| keys[at] == keys[first]) {
            quality += (rows[at].strong - rows[at].weak) / count;
            usd += costs.as_ref().map_or(0.0, |costs| (costs[at].1 - costs[at].0) / count);
            place += 1;
        }
        corners.push((place as f64 / count, quality, usd));
    }
    let mut points = Vec::with_capacity(STEPS + 1);
    let mut before = 0;
    for step in 0..=STEPS {
        let share = step as f64 / STEPS as f64;
        while corners.get(before + 1).is_some_and(|next| next.0 < share) {
            before += 1;
        }
        let from = corners[before];
        let to = corners.get(before + 1).copied().unwrap_or(from);
        let part = if to.0 > from.0 { ((share - from.0) / (to.0 - from.0)).min(1.0) } else { 0.0 };
        let between = |from: f64, to: f64| from + part * (to - from);
        points.push(CurvePoint {
            strong_share: share,
            quality: between(from.1, to.1),
            usd_per_query: costs.is_some().then_some(between(from.2, to.2)),
        });
    }
    PolicyCurve { policy, points }
}

/// The oracle's curve: rows by gain.
pub(super) fn oracle_curve(rows: &[PairRow]) -> PolicyCurve {
    let gains: Vec<f64> = rows.iter().map(|row| row.strong - row.weak).collect();
    curve(Policy::Oracle, rows, &gains)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(weak: f64, strong: f64) -> PairRow {
        let (weak_cost, strong_cost) = (Some(1.0), Some(5.0));
        PairRow { weak, strong, weak_cost, strong_cost, ..PairRow::default() }
    }

    #[test]
    fn the_oracle_sends_no_row_on_which_the_strong_llm_gains_nothing() {
        let rows = [row(1.0, 0.0), row(0.0, 1.0), row(0.5, 0.5), row(0.0, 0.5)];
        assert_eq!(oracle(&rows, 0.25), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(oracle(&rows, 1.0), [0.0, 1.0, 0.0, 1.0]);
    }

    #[test]
    fn a_curve_begins_at_weak_ends_at_strong_and_is_straight_between_equal_keys() {
        let rows = [row(0.0, 1.0), row(1.0, 1.0), row(0.0, 1.0), row(0.0, 0.0)];
        let known = curve(Policy::Router, &rows, &[2.0, 0.0, 2.0, 0.0]);
        let ends = (known.points[0], known.points[STEPS]);
        assert_eq!((ends.0.quality, ends.0.usd_per_query), (0.25, Some(1.0)));
        assert_eq!((ends.1.quality, ends.1.usd_per_query), (0.75, Some(5.0)));
        assert!((known.points[STEPS / 4].quality - 0.5).abs() < 1e-12);
        assert!((known.points[STEPS / 2].quality - 0.75).abs() < 1e-12);
        let chance = curve(Policy::Router, &rows, &[1.0; 4]);
        assert!((chance.points[STEPS / 2].quality - 0.5).abs() < 1e-12);
        assert_eq!(curve(Policy::Router, &[], &[]).points.len(), STEPS + 1);
    }
}
