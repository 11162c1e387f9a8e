//! Measures what is kept and saved at every setting.

use super::betting::{Ends, Rows};
use super::weighted::{Estimate, mean_of_differences, ratio};
use super::{Compared, CurvePoint, Evidence, Input, Kept, Look, Measured, Setting, Slice};
use crate::eval::EvalError;
use crate::eval::error::{check_cost, check_fraction, check_score};

/// Steps of the share of strong calls along the curve.
const CURVE_STEPS: usize = 50;
/// Most times that the confidence sequence is drawn at.
const LOOKS: usize = 100;
/// About how many different rows all looks together may go through.
const LOOK_COST: usize = 40_000;

/// Measures all settings on the same rows.
///
/// # Errors
/// [`EvalError::NoRows`], [`EvalError::BadRow`], [`EvalError::BadInput`].
pub fn measure(input: &Input<'_>) -> Result<Measured, EvalError> {
    check(input)?;
    let rows = input.rows;
    let least = rows.iter().map(|row| row.probability).fold(1.0, f64::min);
    let sample = WinRates::of(input);
    let of = |rows: &dyn Fn(&&Compared) -> bool, setting| {
        let rows: Vec<&Compared> = input.rows.iter().filter(rows).collect();
        kept(&rows, setting, sample.threshold(setting), least)
    };
    let all = |_: &&Compared| true;
    let no_rows = || EvalError::NoRows;
    let at_setting = of(&all, input.setting).ok_or_else(no_rows)?;
    let at_shares = (input.shares.iter())
        .map(|&share| of(&all, Setting::StrongShare(share)).ok_or_else(no_rows))
        .collect::<Result<_, _>>()?;
    let weights = |of: &dyn Fn(&&Compared) -> bool| {
        rows.iter().filter(of).map(|row| 1.0 / row.probability).sum::<f64>()
    };
    let whole = weights(&all);
    let squares: f64 = rows.iter().map(|row| row.probability.powi(-2)).sum();
    let slice = |(at, slice): (usize, &super::SliceName)| {
        let within = move |row: &&Compared| row.slices.contains(&at);
        Some(Slice {
            slice: slice.clone(),
            rows: rows.iter().filter(within).count(),
            share: weights(&within) / whole,
            found: of(&within, input.setting)?,
        })
    };
    let (evidence, looks) = over_time(input, sample.threshold(input.setting), least);
    let days = rows.iter().map(|row| row.day);
    let days = days.clone().max().unwrap_or(0).abs_diff(days.min().unwrap_or(0)) + 1;
    Ok(Measured {
        rows: rows.len(),
        effective_rows: whole * whole / squares,
        priced_rows: rows.iter().filter(|row| row.costs.is_some()).count(),
        missing: input.missing.len(),
        kept_if_missing_lost: at_worst(input, sample.threshold(input.setting)),
        least_probability: least,
        days,
        least_kept: input.least_kept,
        evidence,
        at_setting,
        at_shares,
        slices: input.slices.iter().enumerate().filter_map(slice).collect(),
        curve: curve(rows, &sample),
        looks,
    })
}

fn check(input: &Input<'_>) -> Result<(), EvalError> {
    if input.rows.is_empty() {
        return Err(EvalError::NoRows);
    }
    check_fraction("the least quality kept", input.least_kept)?;
    if input.least_kept <= 0.0 {
        let detail =
            "found the least quality kept 0, expected a number above 0: any router keeps 0".into();
        return Err(EvalError::BadInput { detail });
    }
    match input.setting {
        Setting::Chosen => {}
        Setting::Threshold(at) => check_fraction("the threshold", at)?,
        Setting::StrongShare(share) => check_fraction("the share of strong calls", share)?,
    }
    input.shares.iter().try_for_each(|&share| check_fraction("a share of strong calls", share))?;
    for (at, row) in input.rows.iter().enumerate() {
        check_score(at, "win rate", row.win_rate)?;
        check_score(at, "target", row.target)?;
        check_probability(at, row.probability)?;
        for cost in row.costs.iter().flatten() {
            check_cost(at, "cost", *cost)?;
        }
    }
    input
        .missing
        .iter()
        .enumerate()
        .try_for_each(|(at, row)| check_probability(at, row.probability))
}

fn check_probability(row: usize, value: f64) -> Result<(), EvalError> {
    if value > 0.0 && value <= 1.0 {
        return Ok(());
    }
    let detail = format!("found the probability {value}, expected a number above 0 and up to 1");
    Err(EvalError::BadRow { row, detail })
}

/// Win rates of the traffic, ascending, each with the weight of it and of those below it.
struct WinRates {
    ascending: Vec<f64>,
    below: Vec<f64>,
}

impl WinRates {
    fn of(input: &Input<'_>) -> Self {
        let mut weighted: Vec<(f64, f64)> = match input.win_rates {
            [] => input.rows.iter().map(|row| (row.win_rate, 1.0 / row.probability)).collect(),
            all => all.iter().map(|&win_rate| (win_rate, 1.0)).collect(),
        };
        weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut sum = 0.0;
        let below = weighted.iter().map(|&(_, weight)| {
            sum += weight;
            sum
        });
        let below = below.collect();
        Self { ascending: weighted.into_iter().map(|(win_rate, _)| win_rate).collect(), below }
    }

    /// The threshold of a share of strong calls; above every win rate for a share of 0.
    fn at_share(&self, share: f64) -> f64 {
        let whole = self.below.last().copied().unwrap_or(0.0);
        // Half of a row's weight decides whether the row is within the share.
        let weak = (1.0 - share) * whole;
        let place = self.below.partition_point(|&sum| sum <= weak * (1.0 + 1e-12));
        self.ascending.get(place).copied().unwrap_or_else(|| 1.0_f64.next_up())
    }

    /// The threshold of a setting; `None` where the router chose by its own.
    fn threshold(&self, setting: Setting) -> Option<f64> {
        match setting {
            Setting::Chosen => None,
            Setting::Threshold(at) => Some(at),
            Setting::StrongShare(share) => Some(self.at_share(share)),
        }
    }
}

/// Whether the weak LLM is called.
fn is_weak(row: &Compared, threshold: Option<f64>) -> bool {
    threshold.map_or(row.is_weak_chosen, |threshold| row.win_rate < threshold)
}

/// Quality lost against always calling the strong LLM: in [-1, 1].
fn lost(row: &Compared, threshold: Option<f64>) -> f64 {
    if is_weak(row, threshold) { 2.0 * row.target - 1.0 } else { 0.0 }
}

/// What is kept and saved; `None` without rows. `least` is the least probability of a row.
pub(super) fn kept(
    rows: &[&Compared],
    setting: Setting,
    threshold: Option<f64>,
    least: f64,
) -> Option<Kept> {
    let mut sequence = Rows::default();
    for row in rows {
        sequence.push(lost(row, threshold), least / row.probability);
    }
    Some(Kept {
        setting,
        threshold,
        strong_share: strong_share(rows, threshold)?,
        kept: quality(rows, threshold)?,
        kept_at_any_time: at_any_time(&sequence),
        saved: saved(rows, threshold),
    })
}

fn at_any_time(lost: &Rows) -> Ends {
    let ends = lost.ends();
    Ends { low: 1.0 - ends.high, high: 1.0 - ends.low }
}

fn strong_share(rows: &[&Compared], threshold: Option<f64>) -> Option<f64> {
    let (mut strong, mut whole) = (0.0, 0.0);
    for row in rows {
        whole += 1.0 / row.probability;
        strong += if is_weak(row, threshold) { 0.0 } else { 1.0 / row.probability };
    }
    (whole > 0.0).then(|| strong / whole)
}

fn quality(rows: &[&Compared], threshold: Option<f64>) -> Option<Estimate> {
    // Where the strong LLM is always called, its quality is kept by definition.
    if !rows.is_empty() && rows.iter().all(|row| !is_weak(row, threshold)) {
        return Some(Estimate::exact(1.0));
    }
    let values = rows.iter().map(|row| (1.0 / row.probability, lost(row, threshold)));
    Some(mean_of_differences(values)?.complement())
}

fn saved(rows: &[&Compared], threshold: Option<f64>) -> Option<Estimate> {
    let priced = rows.iter().filter_map(|row| {
        let [strong, weak] = row.costs?;
        let saved = if is_weak(row, threshold) { strong - weak } else { 0.0 };
        Some((1.0 / row.probability, saved, strong))
    });
    ratio(priced)
}

/// Quality kept if the strong answer were better on every request without a comparison.
fn at_worst(input: &Input<'_>, threshold: Option<f64>) -> f64 {
    let compared = input.rows.iter().map(|row| (1.0 / row.probability, lost(row, threshold)));
    let missing = input.missing.iter().map(|row| {
        let weak = threshold.map_or(row.is_weak_chosen, |threshold| row.win_rate < threshold);
        (1.0 / row.probability, f64::from(u8::from(weak)))
    });
    let (weights, sum) = compared
        .chain(missing)
        .fold((0.0, 0.0), |(w, s), (weight, z)| (w + weight, s + weight * z));
    1.0 - sum / weights
}

fn curve(rows: &[Compared], sample: &WinRates) -> Vec<CurvePoint> {
    let rows: Vec<&Compared> = rows.iter().collect();
    let mut points: Vec<CurvePoint> = Vec::new();
    for step in 0..=CURVE_STEPS {
        let threshold = sample.at_share(step as f64 / CURVE_STEPS as f64);
        if points.last().is_some_and(|last| last.threshold == threshold) {
            continue;
        }
        let at = Some(threshold);
        if let (Some(strong_share), Some(kept)) = (strong_share(&rows, at), quality(&rows, at)) {
            let saved = saved(&rows, at).map(|saved| saved.value);
            points.push(CurvePoint { threshold, strong_share, kept, saved });
        }
    }
    points
}

/// The evidence after all rows, and the confidence sequence as it grew.
fn over_time(input: &Input<'_>, threshold: Option<f64>, least: f64) -> (Evidence, Vec<Look>) {
    let mut sequence = Rows::default();
    let (mut weights, mut sum) = (0.0, 0.0);
    let mut looks = Vec::new();
    let all = input.rows.len();
    let mut next = 1;
    for (at, row) in input.rows.iter().enumerate() {
        let z = lost(row, threshold);
        sequence.push(z, least / row.probability);
        weights += 1.0 / row.probability;
        sum += z / row.probability;
        if at + 1 == next || at + 1 == all {
            looks.push(Look {
                verdicts: at + 1,
                kept: 1.0 - sum / weights,
                at_any_time: at_any_time(&sequence),
            });
            let most = (LOOK_COST / sequence.different().max(1)).clamp(4, LOOKS);
            next = at + 1 + all.div_ceil(most);
        }
    }
    let lost = if weights > 0.0 { sum / weights } else { 0.0 };
    (Evidence::of(&sequence, lost, input.least_kept), looks)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::shadow::{Missing, SliceName};

    fn row(win_rate: f64, target: f64, probability: f64) -> Compared {
        let is_weak_chosen = win_rate < 0.4;
        let costs = Some([0.01, 0.002]);
        Compared { win_rate, target, is_weak_chosen, probability, costs, day: 3, slices: vec![0] }
    }

    fn rows() -> Vec<Compared> {
        vec![
            row(0.1, 0.0, 0.5),
            row(0.2, 1.0, 0.1),
            row(0.3, 0.5, 0.5),
            row(0.6, 1.0, 0.5),
            row(0.9, 1.0, 0.5),
        ]
    }

    #[test]
    fn settings_are_tried_on_the_same_weighted_rows() {
        let rows = rows();
        let names = [SliceName { kind: "key".into(), name: "team".into() }];
        let shares = [0.2, 0.8];
        let found =
            measure(&Input { shares: &shares, slices: &names, ..Input::of(&rows) }).unwrap();
        // Weights 2, 10, 2, 2, 2: lost are -2 and 10 of 18.
        assert!((found.at_setting.kept.value - (1.0 - 8.0 / 18.0)).abs() < 1e-12);
        assert!((found.at_setting.strong_share - 4.0 / 18.0).abs() < 1e-12);
        assert!((found.at_setting.saved.unwrap().value - 0.8 * 14.0 / 18.0).abs() < 1e-12);
        let [few, most] = [found.at_shares[0], found.at_shares[1]];
        // 80 % of the weight, 14.4, is reached with the fourth row, which is therefore the first strong one.
        assert_eq!(few.threshold, Some(0.6));
        assert_eq!(most.threshold, Some(0.2));
        assert!((most.kept.value - (1.0 + 2.0 / 18.0)).abs() < 1e-12, "{most:?}");
        assert_eq!((found.days, found.least_probability), (1, 0.1));
        assert!((found.effective_rows - 18.0 * 18.0 / 116.0).abs() < 1e-12);
        assert_eq!((found.slices.len(), found.slices[0].rows, found.slices[0].share), (1, 5, 1.0));
        let ends = (found.curve.first().unwrap(), found.curve.last().unwrap());
        assert_eq!((ends.0.strong_share, ends.1.strong_share), (0.0, 1.0));
        assert_eq!(ends.1.kept, Estimate::exact(1.0));
        assert_eq!(found.looks.last().unwrap().verdicts, 5);
        assert_eq!(found.looks.last().unwrap().at_any_time, found.at_setting.kept_at_any_time);
    }

    #[test]
    fn all_traffic_sets_the_thresholds_of_shares() {
        let (rows, all) = (rows(), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]);
        let at = |share| {
            let setting = Setting::StrongShare(share);
            measure(&Input { win_rates: &all, setting, ..Input::of(&rows) })
                .unwrap()
                .at_setting
                .threshold
        };
        assert_eq!([at(0.3), at(0.5), at(1.0)], [Some(0.8), Some(0.6), Some(0.1)]);
        assert!(at(0.0) > Some(1.0));
    }

    #[test]
    fn what_is_missing_is_counted_against_the_weak_llm() {
        let rows = rows();
        let of = |win_rate, is_weak_chosen| Missing { win_rate, is_weak_chosen, probability: 0.5 };
        let missing = [of(0.1, true), of(0.8, false)];
        let found = measure(&Input { missing: &missing, ..Input::of(&rows) }).unwrap();
        assert!((found.kept_if_missing_lost - (1.0 - 10.0 / 22.0)).abs() < 1e-12);
        let without = measure(&Input::of(&rows)).unwrap();
        assert_eq!(without.kept_if_missing_lost, without.at_setting.kept.value);
        assert_eq!(found.at_setting.kept, without.at_setting.kept);
    }

    #[test]
    fn what_cannot_be_measured_is_an_error() {
        let rows = rows();
        let fault = |change: &dyn Fn(&mut Compared)| {
            let mut rows = rows.clone();
            change(&mut rows[2]);
            measure(&Input::of(&rows)).unwrap_err().to_string()
        };
        assert!(fault(&|row| row.probability = 0.0).contains("row 2: found the probability 0"));
        assert!(fault(&|row| row.target = f64::NAN).contains("target NaN"));
        assert!(fault(&|row| row.costs = Some([-1.0, 0.0])).contains("cost -1"));
        assert_eq!(measure(&Input::of(&[])), Err(EvalError::NoRows));
        for bad in [
            Input { least_kept: 0.0, ..Input::of(&rows) },
            Input { least_kept: 1.5, ..Input::of(&rows) },
            Input { setting: Setting::Threshold(-0.5), ..Input::of(&rows) },
            Input { shares: &[2.0], ..Input::of(&rows) },
        ] {
            assert!(matches!(measure(&bad), Err(EvalError::BadInput { .. })));
        }
    }

    #[test]
    fn one_row_and_rows_without_costs_give_no_number_that_is_not_finite() {
        let mut one = row(0.2, 1.0, 0.05);
        one.costs = None;
        let one = [one];
        let found = measure(&Input::of(&one)).unwrap();
        assert_eq!((found.at_setting.kept.value, found.at_setting.saved), (0.0, None));
        assert!(found.at_setting.kept.high.is_finite() && found.kept_if_missing_lost == 0.0);
        assert_eq!(found.priced_rows, 0);
    }
}
