//! Measures policies on rows, with intervals.

use super::choices::{at_threshold, curve, oracle, oracle_curve};
use super::{ChanceAt, Estimate, Measured, Policy, Ranking, Savings};
use crate::eval::EvalError;
use crate::eval::bootstrap::{Resamples, Settings};
use crate::eval::error::{check_finite, check_fraction, check_length};
use crate::eval::pair::PairModels;
use crate::eval::pair::rows::{PairRow, check};

/// Standard errors that a gain has to be above 0 to be shown, at 95 %, in four of five draws: 1.96 + 0.84.
const STANDARD_ERRORS: f64 = 2.8;

/// Measures the rankings at their thresholds of `shares`, beside the single LLMs, chance and the oracle. Resamples
/// draw whole groups of rows: `group_of` states each row's, numbered from 0, such as that of near copies.
///
/// # Errors
/// [`EvalError::NoRows`]; [`EvalError::BadRow`] for a number that is not finite; [`EvalError::BadInput`] for columns
/// that do not belong to the rows or the shares, and for settings.
pub fn measure(
    models: &PairModels,
    rows: &[PairRow],
    group_of: &[usize],
    shares: &[f64],
    rankings: &[Ranking],
    settings: Settings,
) -> Result<Savings, EvalError> {
    check(rows)?;
    check_length("groups", group_of.len(), rows.len())?;
    for &share in shares {
        check_fraction("the share of strong calls", share)?;
    }
    for ranking in rankings {
        check_length("win rates", ranking.win_rates.len(), rows.len())?;
        check_length("thresholds", ranking.thresholds.len(), shares.len())?;
        for (at, &rate) in ranking.win_rates.iter().enumerate() {
            check_finite(at, "win rate", rate)?;
        }
    }
    let prices = Prices::of(rows);
    let choices = choices(rows, shares, rankings);
    let once = vec![1; rows.len()];
    let groups = group_of.iter().max().map_or(0, |last| last + 1);
    let resamples = Resamples::draw(&[(0..groups).collect()], settings, |drawn| {
        let of_row = |group: &usize| drawn.get(*group).copied().unwrap_or_default();
        let counts: Vec<u32> = group_of.iter().map(of_row).collect();
        choices.iter().map(|choice| choice.metrics(rows, &counts, &prices)).collect()
    })?;
    let mut measured = Vec::new();
    for (at, choice) in choices.iter().enumerate() {
        let found = choice.metrics(rows, &once, &prices).ok_or(EvalError::NoRows)?;
        measured.push(choice.measured(&found, at, &resamples, rows.len()));
    }
    let mut curves: Vec<_> = rankings.iter().map(|r| curve(r.policy, rows, &r.win_rates)).collect();
    curves.push(oracle_curve(rows));
    Ok(Savings {
        pair: models.clone(),
        rows: rows.len(),
        groups,
        priced_rows: prices.rows,
        chance_at: prices.chance_at,
        bootstrap: settings,
        measured,
        curves,
    })
}

/// A policy with the share of each row that it sends to the strong LLM.
struct Choice {
    policy: Policy,
    asked_share: Option<f64>,
    to_strong: Vec<f64>,
}

fn choices(rows: &[PairRow], shares: &[f64], rankings: &[Ranking]) -> Vec<Choice> {
    let all = |policy, asked_share, value| Choice {
        policy,
        asked_share,
        to_strong: vec![value; rows.len()],
    };
    let mut found = vec![all(Policy::AlwaysStrong, None, 1.0), all(Policy::AlwaysWeak, None, 0.0)];
    found.push(Choice { policy: Policy::Oracle, asked_share: None, to_strong: oracle(rows, 1.0) });
    for (at, &share) in shares.iter().enumerate() {
        for ranking in rankings {
            let threshold = ranking.thresholds.get(at).copied().unwrap_or(f64::INFINITY);
            let to_strong = at_threshold(&ranking.win_rates, threshold);
            found.push(Choice { policy: ranking.policy, asked_share: Some(share), to_strong });
        }
        found.push(all(Policy::Random, Some(share), share));
        found.push(Choice {
            policy: Policy::Oracle,
            asked_share: Some(share),
            to_strong: oracle(rows, share),
        });
    }
    found
}

/// What is known of the rows' costs.
struct Prices {
    rows: usize,
    chance_at: ChanceAt,
}

impl Prices {
    fn of(rows: &[PairRow]) -> Self {
        let priced: Vec<(f64, f64)> = rows.iter().filter_map(PairRow::costs).collect();
        let weak: f64 = priced.iter().map(|costs| costs.0).sum();
        let strong: f64 = priced.iter().map(|costs| costs.1).sum();
        let comparable = priced.len() == rows.len() && strong > weak;
        let chance_at = if comparable { ChanceAt::SameMoney } else { ChanceAt::SameShare };
        Self { rows: priced.len(), chance_at }
    }
}

/// A policy's metrics on a draw of the rows.
#[derive(Debug, Clone, Copy)]
struct Metrics {
    strong_share: f64,
    quality: f64,
    kept: Option<f64>,
    usd: Option<f64>,
    saved: Option<f64>,
    over_chance: Option<f64>,
}

/// Sums over a draw of the rows.
#[derive(Default)]
struct Sums {
    rows: f64,
    to_strong: f64,
    quality: f64,
    weak: f64,
    strong: f64,
    priced: f64,
    usd: f64,
    weak_usd: f64,
    strong_usd: f64,
}

impl Choice {
    /// `None` where no row was drawn.
    fn metrics(&self, rows: &[PairRow], counts: &[u32], prices: &Prices) -> Option<Metrics> {
        let mut sums = Sums::default();
        for ((row, &count), &share) in rows.iter().zip(counts).zip(&self.to_strong) {
            let count = f64::from(count);
            sums.rows += count;
            sums.to_strong += count * share;
            sums.quality += count * (row.weak + share * (row.strong - row.weak));
            sums.weak += count * row.weak;
            sums.strong += count * row.strong;
            if let Some((weak, strong)) = row.costs() {
                sums.priced += count;
                sums.usd += count * (weak + share * (strong - weak));
                sums.weak_usd += count * weak;
                sums.strong_usd += count * strong;
            }
        }
        (sums.rows > 0.0).then(|| Metrics {
            strong_share: sums.to_strong / sums.rows,
            quality: sums.quality / sums.rows,
            kept: (sums.strong > 0.0).then(|| sums.quality / sums.strong),
            usd: (sums.priced > 0.0).then(|| sums.usd / sums.priced),
            saved: (sums.strong_usd > 0.0).then(|| 1.0 - sums.usd / sums.strong_usd),
            over_chance: self.over_chance(&sums, prices.chance_at),
        })
    }

    fn over_chance(&self, sums: &Sums, chance_at: ChanceAt) -> Option<f64> {
        if matches!(self.policy, Policy::Random | Policy::AlwaysStrong | Policy::AlwaysWeak) {
            return None;
        }
        let share = match chance_at {
            ChanceAt::SameShare => sums.to_strong / sums.rows,
            ChanceAt::SameMoney => {
                let range = sums.strong_usd - sums.weak_usd;
                if range <= 0.0 {
                    return None;
                }
                ((sums.usd - sums.weak_usd) / range).clamp(0.0, 1.0)
            }
        };
        let chance = sums.weak + share * (sums.strong - sums.weak);
        (sums.strong > 0.0).then(|| (sums.quality - chance) / sums.strong)
    }

    /// The metrics on all rows, with the intervals of the policy at index `at` of the resamples.
    fn measured(
        &self,
        found: &Metrics,
        at: usize,
        resamples: &Resamples<Metrics>,
        rows: usize,
    ) -> Measured {
        let with_interval = |value: Option<f64>, read: fn(&Metrics) -> Option<f64>| {
            value.map(|value| Estimate { value, interval: resamples.of(at, read) })
        };
        let over_chance = with_interval(found.over_chance, |metrics| metrics.over_chance);
        let mut measured = Measured {
            policy: self.policy,
            asked_share: self.asked_share,
            strong_share: found.strong_share,
            quality: found.quality,
            kept: with_interval(found.kept, |metrics| metrics.kept),
            usd_per_query: found.usd,
            saved: with_interval(found.saved, |metrics| metrics.saved),
            over_chance,
            rows_needed: None,
        };
        if !measured.is_above_chance() {
            let error = resamples.deviation(at, |metrics| metrics.over_chance);
            measured.rows_needed =
                over_chance.zip(error).and_then(|(gain, error)| needed(gain.value, error, rows));
        }
        measured
    }
}

/// Rows from which a gain would be shown whose standard error on `rows` is `error`.
fn needed(gain: f64, error: f64, rows: usize) -> Option<usize> {
    let factor = (STANDARD_ERRORS * error / gain).powi(2);
    // A gain below some hundredth of its error is not told from 0.
    (gain > 0.0 && factor.is_finite() && factor < 1e5)
        .then(|| (factor.max(1.0) * rows as f64).ceil() as usize)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FEW: Settings = Settings { resamples: 200, level: 0.95, seed: 5 };

    fn models() -> PairModels {
        PairModels { weak: "small".into(), strong: "large".into() }
    }

    /// Measures rows of which each is a group of its own.
    fn alone(
        rows: &[PairRow],
        shares: &[f64],
        rankings: &[Ranking],
        settings: Settings,
    ) -> Result<Savings, EvalError> {
        let groups: Vec<usize> = (0..rows.len()).collect();
        measure(&models(), rows, &groups, shares, rankings, settings)
    }

    fn row(weak: f64, strong: f64, costs: Option<(f64, f64)>) -> PairRow {
        let (weak_cost, strong_cost) = costs.unzip();
        PairRow { weak, strong, weak_cost, strong_cost, ..PairRow::default() }
    }

    fn ranking(win_rates: Vec<f64>, threshold: f64) -> Ranking {
        Ranking { policy: Policy::Router, win_rates, thresholds: vec![threshold] }
    }

    /// Half of the queries need the strong LLM.
    fn halves(count: usize) -> Vec<PairRow> {
        (0..count).map(|at| row((at % 2) as f64, 1.0, Some((1.0, 11.0)))).collect()
    }

    #[test]
    fn a_router_that_knows_keeps_all_and_saves_what_its_weak_answers_save() {
        let rates = (0..400).map(|at| f64::from(u8::from(at % 2 == 0))).collect();
        let found = alone(&halves(400), &[0.5], &[ranking(rates, 0.5)], FEW).unwrap();
        let router = found.at(Policy::Router, 0.5).unwrap();
        assert_eq!((router.strong_share, router.quality), (0.5, 1.0));
        assert_eq!(router.kept.unwrap().value, 1.0);
        assert!((router.saved.unwrap().value - (1.0 - 6.0 / 11.0)).abs() < 1e-12);
        assert!((router.over_chance.unwrap().value - 0.25).abs() < 1e-12);
        assert!(router.is_above_chance() && router.rows_needed.is_none());
        let saved = router.saved.unwrap().interval.unwrap();
        assert!(saved.low < 1.0 - 6.0 / 11.0 && saved.high > 1.0 - 6.0 / 11.0);
        let chance = found.at(Policy::Random, 0.5).unwrap();
        assert_eq!((chance.quality, chance.over_chance), (0.75, None));
        let strong = found.fixed(Policy::AlwaysStrong).unwrap();
        assert_eq!((strong.kept.unwrap().value, strong.saved.unwrap().value), (1.0, 0.0));
        assert_eq!(found.fixed(Policy::AlwaysWeak).unwrap().quality, 0.5);
        assert_eq!(found.fixed(Policy::Oracle).unwrap().strong_share, 0.5);
        assert_eq!((found.rows, found.priced_rows), (400, 400));
    }

    #[test]
    fn chance_has_the_money_that_the_router_spends_where_all_costs_are_known() {
        // The router sends the two dear queries to the strong LLM, which gains on one of them.
        let mut rows = vec![
            row(0.0, 1.0, Some((0.0, 9.0))),
            row(1.0, 1.0, Some((0.0, 9.0))),
            row(0.0, 1.0, Some((0.0, 1.0))),
            row(1.0, 1.0, Some((0.0, 1.0))),
        ];
        let of = |rows: &[PairRow]| {
            let router = ranking(vec![0.9, 0.9, 0.1, 0.1], 0.5);
            let found = alone(rows, &[0.5], &[router], FEW).unwrap();
            (found.chance_at, found.at(Policy::Router, 0.5).unwrap().over_chance.unwrap().value)
        };
        // 18 of 20 USD buy 0.9 of the gap of 0.5 by chance.
        let (at, gain) = of(&rows);
        assert_eq!(at, ChanceAt::SameMoney);
        assert!((gain - (0.75 - 0.95)).abs() < 1e-12);
        rows[3].weak_cost = None;
        assert_eq!(of(&rows), (ChanceAt::SameShare, 0.0));
    }

    #[test]
    fn a_gain_that_is_not_shown_states_the_rows_that_would_show_it() {
        // Right a little more often than chance.
        let rates: Vec<f64> =
            (0..60).map(|at| f64::from(u8::from((at % 2 == 0) != (at % 5 < 2)))).collect();
        let found = alone(&halves(60), &[0.5], &[ranking(rates, 0.5)], FEW).unwrap();
        let router = found.at(Policy::Router, 0.5).unwrap();
        let gain = router.over_chance.unwrap();
        assert!(gain.value > 0.0 && gain.interval.unwrap().low <= 0.0, "{gain:?}");
        assert!(router.rows_needed.unwrap() > 60, "{router:?}");
        assert_eq!(needed(0.0, 0.1, 60), None);
        assert_eq!(needed(-0.1, 0.1, 60), None);
        assert_eq!(needed(0.1, 0.1, 100), Some(784));
    }

    #[test]
    fn copies_of_a_row_tell_no_more_than_the_row() {
        let rows = halves(400);
        let width = |group_of: &[usize]| {
            let found = measure(&models(), &rows, group_of, &[], &[], FEW).unwrap();
            let kept = found.fixed(Policy::AlwaysWeak).unwrap().kept.unwrap();
            let interval = kept.interval.unwrap();
            (found.groups, interval.high - interval.low)
        };
        let (groups, alone) = width(&(0..400).collect::<Vec<_>>());
        // Rows of one outcome, eight a group.
        let copies: Vec<usize> = (0..400).map(|at| at / 16 * 2 + at % 2).collect();
        let (fewer, joined) = width(&copies);
        assert_eq!((groups, fewer), (400, 50));
        assert!(joined > 2.0 * alone, "{joined} and {alone}");
        let short = measure(&models(), &rows, &[0], &[], &[], FEW).unwrap_err().to_string();
        assert!(short.contains("found 1 groups, expected 400"), "{short}");
    }

    #[test]
    fn free_and_unpriced_answers_have_no_share_saved_and_wrong_ones_none_kept() {
        let rows = [row(0.0, 0.0, Some((0.0, 0.0))), row(0.0, 0.0, None)];
        let found = alone(&rows, &[], &[], FEW).unwrap();
        let strong = found.fixed(Policy::AlwaysStrong).unwrap();
        assert_eq!((strong.kept, strong.saved, strong.usd_per_query), (None, None, Some(0.0)));
        assert_eq!(found.priced_rows, 1);
        let unpriced = alone(&rows[1..], &[], &[], FEW).unwrap();
        assert_eq!(unpriced.fixed(Policy::AlwaysStrong).unwrap().usd_per_query, None);
    }

    #[test]
    fn columns_that_do_not_belong_to_the_rows_are_errors() {
        let rows = halves(4);
        let fault = |rates: Vec<f64>, shares: &[f64]| {
            alone(&rows, shares, &[ranking(rates, 0.5)], FEW).unwrap_err().to_string()
        };
        assert!(fault(vec![0.5], &[0.5]).contains("found 1 win rates, expected 4"));
        assert!(fault(vec![0.5; 4], &[]).contains("found 1 thresholds, expected 0"));
        assert!(fault(vec![0.5; 4], &[1.5]).contains("share of strong calls 1.5"));
        assert!(fault(vec![f64::NAN; 4], &[0.5]).contains("win rate NaN"));
        assert!(matches!(alone(&[], &[], &[], FEW), Err(EvalError::NoRows)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn no_policy_is_above_the_oracle_and_money_adds_up(
            drawn in prop::collection::vec((0_u8..=4, 0_u8..=4, 0_u8..6, 0_u8..9, 1_u8..30), 2..40),
            threshold in 0_u8..6, share in 0.0_f64..=1.0,
        ) {
            let rows: Vec<PairRow> = drawn
                .iter()
                .map(|&(w, s, _, a, b)| {
                    row(f64::from(w) / 4.0, f64::from(s) / 4.0, Some((f64::from(a), f64::from(b))))
                })
                .collect();
            let rates = drawn.iter().map(|&(_, _, rate, _, _)| f64::from(rate)).collect();
            let settings = Settings { resamples: 20, ..FEW };
            let router = ranking(rates, f64::from(threshold));
            let found = alone(&rows, &[share], &[router], settings).unwrap();
            let best = found.fixed(Policy::Oracle).unwrap().quality;
            for measured in &found.measured {
                prop_assert!(measured.quality <= best + 1e-12);
                if let (Some(saved), Some(usd)) = (measured.saved, measured.usd_per_query) {
                    let strong = found.fixed(Policy::AlwaysStrong).unwrap().usd_per_query.unwrap();
                    prop_assert!((usd - (1.0 - saved.value) * strong).abs() < 1e-9);
                }
                for estimate in [measured.kept, measured.saved, measured.over_chance] {
                    let Some(interval) = estimate.and_then(|e| e.interval) else { continue };
                    prop_assert!(interval.low <= interval.high);
                }
            }
        }
    }
}
