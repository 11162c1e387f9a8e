//! Simulated days of a world whose truth is known: how often intervals hold it.
#![allow(clippy::expect_used)]

use rand_chacha::rand_core::Rng;

use super::betting::{Rows, Side, ln_bar};
use super::measure::kept;
use super::{Compared, Input, Setting, measure};
use crate::data::seeded;

const REQUESTS: u64 = 4000;
const SHARES: [f64; 3] = [0.2, 0.4, 0.6];

/// Draws of one day.
struct Draws(rand_chacha::ChaCha8Rng);

impl Draws {
    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// P(the strong answer is better) and P(the weak one is) at a win rate.
fn preferences(win_rate: f64) -> (f64, f64) {
    (0.05 + 0.6 * win_rate * win_rate, 0.15 * (1.0 - win_rate))
}

/// Hard requests are drawn more often than easy ones, so that weights matter.
fn probability(win_rate: f64) -> f64 {
    if win_rate > 0.5 { 0.25 } else { 0.05 }
}

fn mean_costs(win_rate: f64) -> [f64; 2] {
    [0.01 + 0.01 * win_rate, 0.001]
}

/// The requests of a day that are drawn, with win rates uniform in [0, 1].
fn day(seed: u64) -> Vec<Compared> {
    let mut draws = Draws(seeded(seed));
    let mut rows = Vec::new();
    for _ in 0..REQUESTS {
        let win_rate = draws.unit();
        let probability = probability(win_rate);
        if draws.unit() >= probability {
            continue;
        }
        let (strong, weak) = preferences(win_rate);
        let target = match draws.unit() {
            u if u < strong => 1.0,
            u if u < strong + weak => 0.0,
            _ => 0.5,
        };
        // A cost is its mean times an exponential draw.
        let costs = mean_costs(win_rate).map(|mean| mean * -(1.0 - draws.unit()).ln());
        let is_weak_chosen = win_rate < 0.5;
        rows.push(Compared {
            win_rate,
            target,
            is_weak_chosen,
            probability,
            costs: Some(costs),
            day: 0,
            slices: Vec::new(),
        });
    }
    rows
}

/// Quality kept and money saved if the weak LLM is called below a threshold, by integration.
fn truth(threshold: f64) -> (f64, f64) {
    const STEPS: u32 = 10_000;
    let (mut lost, mut saved, mut whole) = (0.0, 0.0, 0.0);
    for step in 0..STEPS {
        let win_rate = (f64::from(step) + 0.5) / f64::from(STEPS);
        let ((strong, weak), costs) = (preferences(win_rate), mean_costs(win_rate));
        whole += costs[0];
        if win_rate < threshold {
            lost += strong - weak;
            saved += costs[0] - costs[1];
        }
    }
    (1.0 - lost / f64::from(STEPS), saved / whole)
}

/// How many of the days' intervals hold the truth, of the quality kept and of the money saved at each threshold.
fn coverage(days: std::ops::Range<u64>, weigh: bool) -> Vec<[u64; 2]> {
    let thresholds = SHARES.map(|share| 1.0 - share);
    let mut held = vec![[0; 2]; thresholds.len()];
    for seed in days {
        let mut rows = day(seed);
        if !weigh {
            rows.iter_mut().for_each(|row| row.probability = 1.0);
        }
        for (held, threshold) in held.iter_mut().zip(thresholds) {
            let (kept, saved) = truth(threshold);
            let found = at(&rows, threshold);
            held[0] += u64::from(found.0.holds(kept));
            held[1] += u64::from(found.1.holds(saved));
        }
    }
    held
}

fn at(rows: &[Compared], threshold: f64) -> (super::Estimate, super::Estimate) {
    let rows: Vec<&Compared> = rows.iter().collect();
    let found =
        kept(&rows, Setting::Threshold(threshold), Some(threshold), 0.05).expect("rows of a day");
    (found.kept, found.saved.expect("costs are known"))
}

#[test]
fn intervals_of_one_look_hold_the_truth_on_95_of_100_days() {
    let held = coverage(0..200, true);
    println!(
        "of 200 days, intervals of quality kept and money saved that hold the truth: {held:?}"
    );
    for (held, share) in held.iter().zip(SHARES) {
        for (count, what) in held.iter().zip(["kept", "saved"]) {
            assert!(
                (186..=194).contains(count),
                "{what} at a share of {share}: {count} of 200 days"
            );
        }
    }
}

#[test]
fn without_weights_intervals_miss_the_truth() {
    let held = coverage(0..100, false);
    // At a threshold of 0.8, half of the rows are from the harder half in truth, and five of six are without weights.
    assert!(held[0][0] < 50 && held[0][1] < 50, "{held:?}");
}

/// On how many of the days a look after some verdict leaves the truth out, by the confidence sequence and by the
/// interval of one look.
fn failures(days: u64, threshold: f64) -> (u64, u64) {
    let (kept, _) = truth(threshold);
    let lost = 1.0 - kept;
    let mut failed = (0, 0);
    for seed in 0..days {
        let rows = day(1000 + seed);
        let mut sequence = Rows::default();
        let (mut is_out, mut is_out_of_one) = (false, false);
        for (at_row, row) in rows.iter().enumerate() {
            let z = if row.win_rate < threshold { 2.0 * row.target - 1.0 } else { 0.0 };
            sequence.push(z, 0.05 / row.probability);
            is_out |= [Side::Below, Side::Above]
                .iter()
                .any(|&side| sequence.ln_capital(lost, side) >= ln_bar());
            if at_row > 50 && at_row % 25 == 0 {
                let weighted = rows.iter().take(at_row + 1).map(|row| {
                    let z = if row.win_rate < threshold { 2.0 * row.target - 1.0 } else { 0.0 };
                    (1.0 / row.probability, z)
                });
                let of_one = super::weighted::mean_of_differences(weighted);
                is_out_of_one |= of_one.is_some_and(|found| !found.holds(lost));
            }
        }
        failed.0 += u64::from(is_out);
        failed.1 += u64::from(is_out_of_one);
    }
    failed
}

#[test]
fn the_confidence_sequence_fails_on_at_most_5_of_100_days_though_looked_at_after_every_verdict() {
    let (at_any_time, of_one_look) = failures(200, 0.6);
    println!(
        "of 200 days, left out at some look: {at_any_time} at any time, {of_one_look} of one look"
    );
    assert!(at_any_time <= 10, "{at_any_time} of 200 days");
    // Which is why it is there: intervals of one look, looked at every 25 verdicts, fail far more often.
    assert!(of_one_look > 30, "{of_one_look} of 200 days");
}

#[test]
fn a_bound_that_holds_is_shown_within_days_and_one_that_does_not_is_never() {
    let (kept, _) = truth(0.6);
    let (mut shown, mut wrong) = (0, 0);
    for seed in 0..20 {
        let rows: Vec<Compared> = (0..5).flat_map(|at| day(5000 + 10 * seed + at)).collect();
        let of = |least_kept| {
            let setting = Setting::Threshold(0.6);
            measure(&Input { setting, least_kept, ..Input::of(&rows) }).expect("rows").evidence
        };
        shown += u32::from(of(kept - 0.06) == super::Evidence::Enough);
        wrong += u32::from(of((kept + 0.002).min(1.0)) == super::Evidence::Enough);
    }
    assert!(shown >= 18 && wrong <= 1, "{shown} and {wrong} of 20");
}
