//! Computes the cost and the saving of routing, in USD per query, where the costs of both answers
//! are known.
//!
//! ```text
//! spent(threshold) = mean over the priced rows of (strong cost if routed to strong, else weak cost)
//! saved = 1 - spent / (mean strong cost)
//! ```
//!
//! Rows that lack either cost are left out of costs, not of quality; the number of priced rows
//! stands beside every sum.

use serde::{Deserialize, Serialize};

use super::curve::{Curve, CurvePoint};
use super::rows::PairRow;
use crate::eval::EvalError;
use crate::eval::error::check_length;

/// Cost of one way of routing, beside always calling the strong model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Money {
    /// Mean cost of a query, USD.
    pub usd_per_query: f64,
    /// Mean cost of a query when the strong model answers all, USD.
    pub always_strong_usd: f64,
    /// Share of cost saved against always calling the strong model; negative where routing costs
    /// more. `None` where the strong model is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<f64>,
    /// Rows with both costs.
    pub priced_rows: usize,
}

impl Money {
    fn new(usd_per_query: f64, always_strong_usd: f64, priced_rows: usize) -> Self {
        let saved = (always_strong_usd > 0.0).then(|| 1.0 - usd_per_query / always_strong_usd);
        Self { usd_per_query, always_strong_usd, saved, priced_rows }
    }
}

/// Cumulative costs of the rows of known cost, ascending by win rate, so that a threshold needs one
/// look-up.
#[derive(Debug, Clone)]
pub struct CumulativeCosts {
    win_rates: Vec<f64>,
    /// `spent[k]`: total cost when the rows from the k-th on go to the strong model.
    spent: Vec<f64>,
}

impl CumulativeCosts {
    /// Sums the costs; `None` where no row has both.
    ///
    /// # Errors
    /// [`EvalError::BadInput`].
    pub fn new(rows: &[PairRow], win_rates: &[f64]) -> Result<Option<Self>, EvalError> {
        check_length("win rates", win_rates.len(), rows.len())?;
        let mut priced: Vec<(f64, (f64, f64))> = win_rates
            .iter()
            .zip(rows)
            .filter_map(|(&win_rate, row)| Some((win_rate, row.costs()?)))
            .collect();
        priced.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Two running sums, never a difference of large ones: the cost of always-strong is then
        // exact.
        let mut spent: Vec<f64> = vec![0.0; priced.len() + 1];
        let mut sum = 0.0;
        for (to, (_, (_, strong))) in spent.iter_mut().rev().skip(1).zip(priced.iter().rev()) {
            sum += strong;
            *to = sum;
        }
        sum = 0.0;
        for (to, (_, (weak, _))) in spent.iter_mut().skip(1).zip(&priced) {
            sum += weak;
            *to += sum;
        }
        let win_rates = priced.into_iter().map(|(win_rate, _)| win_rate).collect::<Vec<_>>();
        Ok((!win_rates.is_empty()).then_some(Self { win_rates, spent }))
    }

    /// Cost at a threshold; `inclusive` says whether a win rate equal to it goes to the strong
    /// model.
    #[must_use]
    pub fn at_threshold(&self, threshold: f64, inclusive: bool) -> Money {
        let first = self.win_rates.partition_point(|&win_rate| {
            if inclusive { win_rate < threshold } else { win_rate <= threshold }
        });
        self.money(self.mean(first))
    }

    /// Cost at a point of a curve over the same win rates.
    #[must_use]
    pub fn at_point(&self, point: &CurvePoint) -> Money {
        self.at_threshold(point.threshold, point.inclusive)
    }

    /// Cost where the curve first recovers `quality` of the gap, interpolated as CPT is.
    ///
    /// # Errors
    /// [`EvalError::BadInput`].
    pub fn at_quality(&self, curve: &Curve, quality: f64) -> Result<Money, EvalError> {
        let at = curve.position(quality)?;
        let usd = |index: usize| {
            let always = self.mean(0);
            curve.points.get(index).map_or(always, |point| self.at_point(point).usd_per_query)
        };
        Ok(self.money(usd(at.before) + at.part * (usd(at.after) - usd(at.before))))
    }

    fn mean(&self, first: usize) -> f64 {
        self.spent.get(first).copied().unwrap_or_default() / self.win_rates.len() as f64
    }

    fn money(&self, usd_per_query: f64) -> Money {
        Money::new(usd_per_query, self.mean(0), self.win_rates.len())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::eval::RoutedRow;

    fn row(weak_cost: f64, strong_cost: f64) -> PairRow {
        PairRow {
            strong: 1.0,
            weak_cost: Some(weak_cost),
            strong_cost: Some(strong_cost),
            ..PairRow::default()
        }
    }

    #[test]
    fn half_the_calls_save_what_their_weak_answers_save() {
        let rows = [row(1.0, 10.0), row(2.0, 20.0), PairRow::default()];
        let costs = CumulativeCosts::new(&rows, &[0.9, 0.1, 0.5]).unwrap().unwrap();
        let money = costs.at_threshold(0.5, true);
        assert_eq!((money.usd_per_query, money.always_strong_usd), (6.0, 15.0));
        assert_eq!((money.saved, money.priced_rows), (Some(0.6), 2));
        let weak = costs.at_threshold(f64::INFINITY, true);
        assert_eq!(costs.at_threshold(0.9, false), weak);
        assert_eq!(weak.saved, Some(0.9));
    }

    #[test]
    fn unknown_prices_are_no_price() {
        assert!(CumulativeCosts::new(&[PairRow::default()], &[0.1]).unwrap().is_none());
        let free = CumulativeCosts::new(&[row(0.0, 0.0)], &[0.1]).unwrap().unwrap();
        assert_eq!(free.at_threshold(f64::INFINITY, true).saved, None);
        let short = CumulativeCosts::new(&[row(0.0, 0.0)], &[]).unwrap_err().to_string();
        assert_eq!(short, "found 0 win rates, expected 1: one a row");
    }

    proptest! {
        #[test]
        fn a_sum_is_what_paying_row_by_row_gives(
            drawn in prop::collection::vec((0_u8..9, 0_u8..50, 0_u8..50), 2..40),
            threshold in 0_u8..9,
        ) {
            let rows: Vec<_> =
                drawn.iter().map(|&(_, w, s)| row(f64::from(w), f64::from(s))).collect();
            let win_rates: Vec<_> = drawn.iter().map(|&(p, _, _)| f64::from(p)).collect();
            let costs = CumulativeCosts::new(&rows, &win_rates).unwrap().unwrap();
            let bills = drawn.iter().map(|&(p, w, s)| f64::from(if p >= threshold { s } else { w }));
            let expected = bills.sum::<f64>() / drawn.len() as f64;
            let found = costs.at_threshold(f64::from(threshold), true).usd_per_query;
            prop_assert!((found - expected).abs() < 1e-9);
        }

        #[test]
        fn equal_prices_make_money_follow_the_share(
            drawn in prop::collection::vec((0_u8..20, 0_u8..=1), 3..40),
            quality in 0.0_f64..=1.0,
        ) {
            let rows: Vec<_> =
                drawn.iter().map(|&(_, w)| PairRow { weak: f64::from(w), ..row(1.0, 3.0) }).collect();
            let win_rates: Vec<_> = drawn.iter().map(|&(p, _)| f64::from(p)).collect();
            let routed: Vec<_> = drawn
                .iter()
                .map(|&(p, w)| RoutedRow { win_rate: f64::from(p), weak: f64::from(w), strong: 1.0 })
                .collect();
            if let Ok(curve) = Curve::at_deciles(&routed) {
                let costs = CumulativeCosts::new(&rows, &win_rates).unwrap().unwrap();
                let money = costs.at_quality(&curve, quality).unwrap();
                let expected = 1.0 + 2.0 * curve.cpt(quality).unwrap();
                prop_assert!((money.usd_per_query - expected).abs() < 1e-9);
            }
        }
    }
}
