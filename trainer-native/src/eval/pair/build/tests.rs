//! A complete result on made-up rows: what it contains, and which errors stop it.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rand_chacha::rand_core::Rng;

use super::*;
use crate::data::seeded;
use crate::eval::Stored;
use crate::eval::cost_quality::{CostPoint, many_models};
use crate::eval::pair::calibration::calibrate;
use crate::eval::pair::operating_points::ThresholdOrigin;

/// Rows of four subjects of rising difficulty, with prices; and a router that sees the difficulty
/// through noise.
pub(crate) fn made_up(n: usize, seed: u64) -> (Vec<PairRow>, Vec<f64>) {
    let mut random = seeded(seed);
    let mut draw = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let subjects = ["algebra", "law & order", "poems", "trivia"];
    (0..n)
        .map(|at| {
            let difficulty = 0.15 + 0.2 * (at % 4) as f64;
            let row = PairRow {
                weak: f64::from(draw() > difficulty),
                strong: f64::from(draw() > difficulty / 3.0),
                weak_cost: Some(0.0002 + 0.0001 * draw()),
                strong_cost: Some(0.006 + 0.006 * draw()),
                category: Some(subjects[at % 4].to_owned()),
                length: 20 + (300.0 * draw()) as usize,
            };
            (row, (0.7 * difficulty + 0.3 * draw()).clamp(0.0, 1.0))
        })
        .unzip()
}

pub(crate) const QUICK: PairSettings = PairSettings {
    qualities: Vec::new(),
    thresholds: Vec::new(),
    strong_shares: Vec::new(),
    reliability_bins: 5,
    random_draws: 10,
    bootstrap: bootstrap::Settings { resamples: 40, level: 0.95, seed: 1 },
    score_scale: 1.0,
};

fn models() -> PairModels {
    PairModels { weak: "small".into(), strong: "large".into() }
}

pub(crate) fn example() -> PairResult {
    let (rows, win_rates) = made_up(400, 1);
    let mut mine = PairColumn::new("mine", "mf", Origin::INT8, win_rates.clone());
    mine.router.tier = Some("static".into());
    mine.router.training_seed = Some(1);
    mine.calibration = Some(calibrate(&win_rates[..100], "the first hundred").unwrap());
    let squared = win_rates.iter().map(|p| (p * 8.0).round() / 8.0).collect();
    let knn = PairColumn::new("kNN, k = 40", "knn", Origin::Baseline, squared);
    let benchmark = Benchmark {
        leaks_removed: Some(12),
        data_sha256: Some("ab".repeat(32)),
        ..Benchmark::new("Made up <MMLU>", PairKind::Mmlu)
    };
    let settings = PairSettings {
        qualities: vec![0.8, 0.5, 0.95],
        thresholds: vec![0.4],
        strong_shares: vec![0.25, 0.5],
        ..QUICK
    };
    let mut result = build(&benchmark, &models(), &rows, &[mine, knn], &settings).unwrap();
    let point = |usd, score| CostPoint { usd, score };
    let table: Vec<Vec<CostPoint>> = rows
        .iter()
        .map(|row| vec![point(0.001, row.weak), point(0.002, 0.5), point(0.008, row.strong)])
        .collect();
    let predicted: Vec<Vec<f64>> = win_rates.iter().map(|p| vec![1.0 - p, 0.5, 0.8]).collect();
    let many = [("mine", Origin::INT8, predicted.as_slice())];
    result.many_models = Some(many_models::build(&["s", "m", "l"], &table, &many, 12).unwrap());
    result
}

#[test]
fn a_router_of_many_models_lies_under_the_oracle() {
    let many = example().many_models.unwrap();
    let aiq = many.routers[0].cost_quality.aiq;
    assert!(many.comparison.zero_router_aiq < aiq && aiq < many.comparison.oracle.aiq);
    assert_eq!(many.comparison.singles.len(), 3);
    let point = CostPoint { usd: 1.0, score: 0.5 };
    let table = [vec![point, CostPoint { usd: 2.0, ..point }]];
    let bad =
        many_models::build(&["a", "b"], &table, &[("mine", Origin::INT8, &[])], 4).unwrap_err();
    assert!(bad.to_string().starts_with("router \"mine\": found 0 rows of predictions"), "{bad}");
}

#[test]
fn a_result_holds_routers_and_every_baseline() {
    let result = example();
    let names: Vec<&str> = result.routers.iter().map(|router| router.name.as_str()).collect();
    let baselines = ["query length", "random", "always weak", "always strong", "oracle"];
    assert_eq!(names[..2], ["mine", "kNN, k = 40"]);
    assert_eq!(names[2..], baselines);
    assert_eq!((result.rows, result.published.len()), (400, 9));
    // Three routers with resamples: three pairs.
    assert_eq!(result.differences.len(), 3);
    let cost = result.facts.cost.as_ref().unwrap();
    assert_eq!((cost.priced_rows, cost.singles.len()), (400, 2));
}

#[test]
fn a_router_that_sees_the_difficulty_beats_chance_and_not_the_oracle() {
    let result = example();
    let mine = result.router("mine", Origin::INT8).unwrap();
    let oracle = result.router("oracle", Origin::Baseline).unwrap();
    let random = result.router("random", Origin::Baseline).unwrap();
    assert!(mine.metrics.apgr > random.metrics.apgr && mine.metrics.apgr < oracle.metrics.apgr);
    let interval = mine.metrics.apgr_interval.unwrap();
    assert!(
        interval.low < mine.metrics.apgr.unwrap() && mine.metrics.apgr.unwrap() < interval.high
    );
    assert!(
        mine.metrics.cost_quality.as_ref().unwrap().aiq
            < result.facts.cost.as_ref().unwrap().oracle.aiq
    );
    let qualities: Vec<f64> = mine.metrics.cpt.iter().map(|cpt| cpt.quality).collect();
    assert_eq!(qualities, [0.5, 0.8, 0.95]);
    assert!(mine.metrics.cpt.iter().all(|cpt| cpt.interval.is_some() && cpt.money.is_some()));
    assert!(mine.cpt_at(0.8).unwrap().money.unwrap().saved.unwrap() > 0.0);
}

#[test]
fn query_length_sends_the_longest_queries_first() {
    let apgr = |lengths: [usize; 4]| {
        let rows: Vec<PairRow> = [0.0, 1.0, 0.0, 1.0]
            .iter()
            .zip(lengths)
            .map(|(&weak, length)| PairRow { weak, strong: 1.0, length, ..PairRow::default() })
            .collect();
        let benchmark = Benchmark::new("own", PairKind::Other);
        let result = build(&benchmark, &models(), &rows, &[], &QUICK).unwrap();
        result.router("query length", Origin::Baseline).unwrap().metrics.apgr.unwrap()
    };
    assert!(apgr([90, 10, 80, 20]) > 0.5 && apgr([10, 90, 20, 80]) < 0.5);
}

#[test]
fn operating_points_say_where_their_threshold_comes_from() {
    let result = example();
    let origins = |at: usize| -> Vec<ThresholdOrigin> {
        result.routers[at].metrics.operating_points.iter().map(|point| point.origin).collect()
    };
    use ThresholdOrigin::{Calibration, Given, SameRows};
    assert_eq!(origins(0), [Given, Calibration, Calibration]);
    assert_eq!(origins(1), [Given, SameRows, SameRows]);
    let half = &result.routers[0].metrics.operating_points[2];
    assert_eq!(half.asked_share, Some(0.5));
    assert!((half.strong_share - 0.5).abs() < 0.1 && half.strong_share != 0.5);
}

#[test]
fn what_cannot_be_judged_names_its_router() {
    let (rows, win_rates) = made_up(40, 2);
    let benchmark = Benchmark::new("own", PairKind::Other);
    let run =
        |columns: &[PairColumn]| build(&benchmark, &models(), &rows, columns, &QUICK).unwrap_err();
    let column = |rates: Vec<f64>| PairColumn::new("mine", "mf", Origin::INT8, rates);
    let constant = run(&[column(vec![0.5; 40])]);
    assert_eq!(constant.code(), "constant_win_rate");
    assert!(constant.to_string().starts_with("router \"mine\": found the win rate 0.5"));
    let short = run(&[column(vec![0.5; 39])]).to_string();
    assert_eq!(short, "router \"mine\": found 39 win rates, expected 40: one a row");
    let twice = [column(win_rates.clone()), column(win_rates.clone())];
    assert!(run(&twice).to_string().starts_with("found two routers named \"mine\" (int8)"));
    let ours = PairColumn::new("random", "x", Origin::Baseline, win_rates.clone());
    let taken = run(&[ours]).to_string();
    assert!(taken.starts_with("found two routers named \"random\" (baseline)"), "{taken}");
    let mut swapped = rows.clone();
    swapped.iter_mut().for_each(|row| std::mem::swap(&mut row.weak, &mut row.strong));
    let found = build(&benchmark, &models(), &swapped, &[column(win_rates)], &QUICK);
    assert_eq!(found.unwrap_err().code(), "no_gap");
}

#[test]
fn what_is_left_out_is_noted() {
    let (mut rows, win_rates) = made_up(40, 2);
    for row in &mut rows {
        row.length = 7;
        row.strong_cost = row.weak_cost;
    }
    rows[0].weak_cost = None;
    let columns = [PairColumn::new("mine", "mf", Origin::INT8, win_rates)];
    let found =
        build(&Benchmark::new("own", PairKind::Other), &models(), &rows, &columns, &QUICK).unwrap();
    assert!(found.facts.cost.is_none() && found.router("query length", Origin::Baseline).is_none());
    let starts = ["money: 39 of 40 rows", "cost-quality curve: left out", "query length: left out"];
    assert_eq!(found.notes.len(), 3);
    for (note, start) in found.notes.iter().zip(starts) {
        assert!(note.starts_with(start), "{note}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_rows_give_a_storable_result_or_an_error(
        drawn in prop::collection::vec((0_u8..=4, 0_u8..=4, 0_u8..5, 0_u8..9, prop::option::of(0_u8..9)), 1..30),
    ) {
        let rows: Vec<PairRow> = drawn
            .iter()
            .map(|&(w, s, category, length, cost)| PairRow {
                weak: f64::from(w) / 4.0,
                strong: f64::from(s) / 4.0,
                weak_cost: cost.map(|c| f64::from(c) / 9.0),
                strong_cost: cost.map(f64::from),
                category: (category > 0).then(|| category.to_string()),
                length: usize::from(length),
            })
            .collect();
        let win_rates = drawn.iter().map(|row| f64::from(row.3) / 9.0).collect();
        let settings = PairSettings { qualities: vec![0.2, 0.9], strong_shares: vec![0.0, 0.3, 1.0], ..QUICK };
        let columns = [PairColumn::new("mine", "mf", Origin::FLOAT, win_rates)];
        if let Ok(result) = build(&Benchmark::new("own", PairKind::Other), &models(), &rows, &columns, &settings) {
            let stored = Stored { pairs: vec![result], ..Stored::default() };
            prop_assert_eq!(Stored::read(&stored.json().unwrap()).unwrap(), stored);
        }
    }
}
