//! A complete result on made-up rows: what it contains, and which errors stop it.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rand_chacha::rand_core::Rng;

use super::*;
use crate::data::seeded;
use crate::eval::bootstrap::Interval;
use crate::eval::pool::PoolRouter;

const QUICK: PoolSettings = PoolSettings {
    cost_weights: 8,
    bootstrap: bootstrap::Settings { resamples: 60, level: 0.9, seed: 5 },
};

fn models() -> Vec<String> {
    ["small", "sums & more", "verse"].map(str::to_owned).to_vec()
}

/// Rows of RouterDC's tasks, on which one of three models is good each, with prices.
fn made_up(n: usize, seed: u64) -> Vec<PoolRow> {
    let mut random = seeded(seed);
    let mut draw = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let tasks = ["own <set>", "GSM8K", "MMLU"];
    let row = |at: usize| {
        let task = at % 3;
        let skill = |model| if model == task { 0.8 } else { 0.4 };
        PoolRow {
            dataset: tasks[task].to_owned(),
            scores: (0..3).map(|model| Some(f64::from(u8::from(draw() < skill(model))))).collect(),
            costs: vec![Some(0.0001), Some(0.0004 + 0.0002 * draw()), Some(0.002)],
        }
    };
    (0..n).map(row).collect()
}

pub(crate) fn example() -> PoolResult {
    let (rows, training) = (made_up(240, 1), made_up(120, 2));
    // Sees the task two times in three.
    let picked: Vec<usize> =
        (0..rows.len()).map(|at| if at % 7 < 5 { at % 3 } else { at % 2 }).collect();
    let predicted = picked
        .iter()
        .map(|&pick| (0..3).map(|model| if model == pick { 0.8 } else { 0.4 }).collect())
        .collect();
    let mut mine = PoolColumn::new("mine", "memory", Origin::INT8, picked.clone());
    mine.router.tier = Some("static".into());
    mine.router.training_seed = Some(1);
    mine.predicted = Some(predicted);
    let shifted = picked.iter().map(|pick| (pick + 1) % 3).collect();
    let knn = PoolColumn::new("kNN, k = 5", "knn", Origin::Baseline, shifted);
    let benchmark = Benchmark {
        leaks_removed: Some(12),
        data_sha256: Some("ab".repeat(32)),
        ..Benchmark::new("Made up <tasks>", PoolKind::InDistribution)
    };
    build(&benchmark, &models(), &rows, &training, &[mine, knn], &QUICK).unwrap()
}

fn own() -> Benchmark<PoolKind> {
    Benchmark::new("own", PoolKind::Other)
}

fn judge(rows: &[PoolRow], columns: &[PoolColumn]) -> Result<PoolResult, EvalError> {
    build(&own(), &models(), rows, &[], columns, &QUICK)
}

fn column(name: &str, picked: Vec<usize>) -> PoolColumn {
    PoolColumn::new(name, "memory", Origin::INT8, picked)
}

#[test]
fn a_result_holds_routers_baselines_and_published_rows() {
    let result = example();
    let names: Vec<&str> = result.routers.iter().map(|router| router.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "mine",
            "kNN, k = 5",
            "best single LLM",
            "best LLM of each data set",
            "best single LLM, in hindsight",
            "best LLM of each data set, in hindsight",
            "random",
            "oracle",
            "small",
            "sums & more",
            "verse"
        ]
    );
    let sets: Vec<(&str, usize)> =
        result.facts.datasets.iter().map(|set| (set.name.as_str(), set.rows)).collect();
    assert_eq!(sets, [("MMLU", 80), ("GSM8K", 80), ("own <set>", 80)]);
    assert_eq!((result.rows, result.facts.training_rows, result.published.len()), (240, 120, 12));
    assert!(result.notes.iter().any(|note| note.starts_with("own <set>: not among the published")));
    assert!(result.notes.iter().any(|note| note.starts_with("HumanEval: published, and no rows")));
    for router in &result.routers {
        assert!(
            router.metrics.mean_interval.is_some() && router.metrics.money.is_some(),
            "{}",
            router.name
        );
    }
}

#[test]
fn the_mean_is_over_data_sets_and_a_pick_is_its_own_score() {
    let row = |dataset: &str, scores: [f64; 3]| PoolRow {
        dataset: dataset.into(),
        scores: scores.map(Some).to_vec(),
        costs: vec![None; 3],
    };
    let rows = [
        row("a", [1.0, 0.0, 0.5]),
        row("a", [0.0, 1.0, 0.5]),
        row("a", [0.25, 1.0, 0.5]),
        row("b", [1.0, 0.0, 0.5]),
    ];
    let result = judge(&rows, &[column("mine", vec![0, 1, 0, 2])]).unwrap();
    let mine = &result.routers[0];
    assert_eq!((mine.on("a"), mine.on("b"), mine.on("c")), (Some(0.75), Some(0.5), None));
    assert_eq!((mine.metrics.mean, mine.metrics.row_mean), (Some(0.625), Some(0.6875)));
    assert_eq!(mine.metrics.shares, [0.5, 0.25, 0.25]);
    assert_eq!((mine.metrics.picked_unmeasured, mine.metrics.money), (0, None));
    assert_eq!(result.many_models, None);
    let oracle = result.router("oracle", Origin::Baseline).unwrap();
    assert_eq!((oracle.metrics.mean, oracle.metrics.row_mean), (Some(1.0), Some(1.0)));
    let random = result.router("random", Origin::Baseline).unwrap();
    assert!((random.on("a").unwrap() - (0.5 + 0.5 + 1.75 / 3.0) / 3.0).abs() < 1e-12);
}

#[test]
fn a_pick_without_a_score_is_left_out_and_counted() {
    let mut rows = made_up(30, 3);
    rows[0].scores[2] = None;
    let picked = |first| (0..30).map(|at| if at == 0 { first } else { 1 }).collect::<Vec<_>>();
    let result =
        judge(&rows, &[column("unmeasured", picked(2)), column("measured", picked(0))]).unwrap();
    let [unmeasured, measured] = &result.routers[..2] else { unreachable!() };
    assert_eq!((unmeasured.metrics.picked_unmeasured, measured.metrics.picked_unmeasured), (1, 0));
    let of = |router: &PoolRouter| router.metrics.datasets[0].clone();
    assert_eq!((of(unmeasured).rows, of(measured).rows), (9, 10));
    let others: f64 = (1..10).map(|at| rows[3 * at].scores[1].unwrap()).sum();
    assert!((of(unmeasured).score - others / 9.0).abs() < 1e-12);
    assert!((of(measured).score - (others + rows[0].scores[0].unwrap()) / 10.0).abs() < 1e-12);
    // The call is made all the same, and the row has no price for anyone.
    assert!((unmeasured.metrics.shares[2] - 1.0 / 30.0).abs() < 1e-12);
    assert!(result.notes.iter().any(|note| note.starts_with("money: 29 of 30 rows")));
    assert_eq!(result.many_models.unwrap().comparison.priced_rows, 29);
}

#[test]
fn a_router_without_a_score_on_a_data_set_has_no_mean() {
    let mut rows = made_up(30, 3);
    rows.iter_mut().filter(|row| row.dataset == "MMLU").for_each(|row| row.scores[2] = None);
    let result = judge(&rows, &[column("mine", vec![2; 30])]).unwrap();
    let mine = &result.routers[0];
    assert_eq!(
        (mine.metrics.mean, mine.metrics.mean_interval, mine.metrics.datasets.len()),
        (None, None, 2)
    );
    assert!(mine.metrics.row_mean.is_some() && result.differences.is_empty());
    assert_eq!(mine.metrics.picked_unmeasured, 10);
}

#[test]
fn a_router_that_knows_the_task_equals_the_best_of_each_data_set() {
    let rows = made_up(300, 4);
    let task: Vec<usize> = (0..300).map(|at| at % 3).collect();
    let columns = [column("task", task), column("first", vec![0; 300])];
    let result = build(&own(), &models(), &rows, &made_up(90, 9), &columns, &QUICK).unwrap();
    let against = |router: usize, name: &str| {
        let found = result.differences.iter().find(|difference| {
            difference.router == router && result.routers[difference.against].name == name
        });
        found.unwrap().clone()
    };
    let same = against(0, "best LLM of each data set");
    assert_eq!(same.difference, 0.0);
    assert!(matches!(same.interval, Some(Interval { low: 0.0, high: 0.0, .. })));
    // 0.8 against (0.8 + 0.4 + 0.4) / 3: far outside of what 100 rows a set can make.
    let worse = against(1, "best LLM of each data set, in hindsight");
    assert!(worse.difference < -0.15 && worse.interval.unwrap().high < 0.0, "{worse:?}");
    assert!(against(0, "best single LLM").interval.unwrap().low > 0.0);
    assert_eq!(result.differences.iter().filter(|d| d.router == 0 && d.against == 1).count(), 1);
}

#[test]
fn a_constant_score_has_no_width_and_a_seed_gives_the_same_intervals() {
    let mut rows = made_up(60, 5);
    rows.iter_mut().for_each(|row| row.scores[0] = Some(0.5));
    let drawn = |seed| {
        let bootstrap = bootstrap::Settings { seed, ..QUICK.bootstrap };
        let settings = PoolSettings { bootstrap, ..QUICK };
        let benchmark = own();
        build(&benchmark, &models(), &rows, &[], &[column("a", vec![1; 60])], &settings).unwrap()
    };
    let result = drawn(5);
    let constant = result.router("small", Origin::Baseline).unwrap().metrics.mean_interval.unwrap();
    assert!((constant.low - 0.5).abs() < 1e-12 && (constant.high - 0.5).abs() < 1e-12);
    let interval = |result: &PoolResult| result.routers[0].metrics.mean_interval;
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(interval(&result), single.install(|| interval(&drawn(5))));
    assert_ne!(interval(&result), interval(&drawn(6)));
}

#[test]
fn money_is_that_of_the_picks() {
    let rows = made_up(90, 6);
    let mut mine = column("mine", vec![0; 90]);
    mine.predicted = Some(vec![vec![0.9, 0.1, 0.1]; 90]);
    let result = judge(&rows, &[mine, column("dear", vec![2; 90])]).unwrap();
    let usd = |at: usize| result.routers[at].metrics.money.unwrap().usd;
    assert!((usd(0) - 0.0001).abs() < 1e-12 && (usd(1) - 0.002).abs() < 1e-12);
    let dear = &result.routers[1];
    assert!((dear.metrics.money.unwrap().score - dear.metrics.row_mean.unwrap()).abs() < 1e-12);
    let many = result.many_models.unwrap();
    // Only routers that predict scores have a curve.
    assert_eq!((many.routers.len(), many.comparison.singles.len()), (1, 3));
    assert!(many.routers[0].cost_quality.aiq <= many.comparison.oracle.aiq);
}

#[test]
fn models_of_one_price_have_no_curve_but_a_cost() {
    let mut rows = made_up(30, 7);
    rows.iter_mut().for_each(|row| row.costs = vec![Some(0.001); 3]);
    let result = judge(&rows, &[column("mine", vec![1; 30])]).unwrap();
    assert_eq!(result.many_models, None);
    assert!((result.routers[0].metrics.money.unwrap().usd - 0.001).abs() < 1e-12);
    assert!(result.notes.iter().any(|note| note.starts_with("cost-quality curve: left out")));
}

#[test]
fn scores_that_the_publication_counts_otherwise_are_noted() {
    let mut rows = made_up(30, 8);
    rows[2].scores[0] = Some(0.97);
    let benchmark = Benchmark::new("own", PoolKind::InDistribution);
    let noted = |rows: &[PoolRow]| {
        let result = build(&benchmark, &models(), rows, &[], &[], &QUICK).unwrap();
        result.notes.iter().any(|note| note.starts_with("MMLU: scores between 0 and 1"))
    };
    assert!(noted(&rows));
    rows[2].scores[0] = Some(1.0);
    // GSM8K's are shares of attempts, in the publication too.
    rows[1].scores[0] = Some(0.7);
    assert!(!noted(&rows));
}

#[test]
fn what_cannot_be_judged_is_an_error_that_names_it() {
    let rows = made_up(6, 1);
    let fault = |columns: &[PoolColumn]| judge(&rows, columns).unwrap_err();
    assert_eq!(judge(&[], &[]).unwrap_err(), EvalError::NoRows);
    let short = fault(&[column("mine", vec![0; 5])]);
    assert_eq!(short.to_string(), "router \"mine\": found 5 picks, expected 6: one a row");
    let unknown = fault(&[column("mine", vec![0, 1, 2, 3, 0, 0])]);
    assert!(unknown.to_string().contains("row 3: found the pick 3"), "{unknown}");
    let twice = fault(&[column("mine", vec![0; 6]), column("mine", vec![1; 6])]);
    assert!(twice.to_string().starts_with("found two routers named \"mine\" (int8)"), "{twice}");
    for reserved in ["random", "oracle", "verse", "best single LLM, in hindsight"] {
        let taken = PoolColumn::new(reserved, "knn", Origin::Baseline, vec![0; 6]);
        let twice = format!("found two routers named {reserved:?} (baseline)");
        assert!(fault(&[taken]).to_string().starts_with(&twice), "{reserved}");
        assert!(judge(&rows, &[column(reserved, vec![0; 6])]).is_ok(), "{reserved}");
    }
    let predicting = |predicted: Vec<Vec<f64>>, expected: &str| {
        let mut column = column("mine", vec![0; 6]);
        column.predicted = Some(predicted);
        let error = fault(&[column]).to_string();
        assert!(error.starts_with(&format!("router \"mine\": {expected}")), "{error}");
    };
    predicting(vec![vec![0.5; 3]; 5], "found 5 rows of predictions, expected 6");
    predicting(vec![vec![0.5; 2]; 6], "found 2 predictions in a row, expected 3");
    predicting(vec![vec![0.5, f64::NAN, 0.5]; 6], "row 0: found the predicted score NaN");
    let bad = |models: &[String], training: &[PoolRow], settings: &PoolSettings, expected: &str| {
        let error = build(&own(), models, &rows, training, &[], settings).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    bad(&[], &[], &QUICK, "found 0 models to choose from, expected at least one");
    bad(&models()[..2], &[], &QUICK, "found 3 scores in a row, expected 2");
    let twins = ["verse", "verse", "small"].map(str::to_owned);
    bad(&twins, &[], &QUICK, "found two routers named \"verse\" (baseline)");
    let mut training = made_up(3, 1);
    training[1].scores[1] = Some(1.5);
    bad(&models(), &training, &QUICK, "row 1: found the training score 1.5");
    let none = bootstrap::Settings { resamples: 0, ..QUICK.bootstrap };
    let none = PoolSettings { bootstrap: none, ..QUICK };
    bad(&models(), &[], &none, "found 0 bootstrap resamples");
    let wide = bootstrap::Settings { level: 1.0, ..QUICK.bootstrap };
    let wide = PoolSettings { bootstrap: wide, ..QUICK };
    bad(&models(), &[], &wide, "found the level of an interval 1,");
}

/// Rows over two data sets with scores in quarters, some not measured, and picks.
fn any_rows() -> impl Strategy<Value = (Vec<PoolRow>, Vec<usize>)> {
    let score = prop_oneof![
        1 => Just(None),
        6 => (0_u8..=4).prop_map(|quarters| Some(f64::from(quarters) / 4.0)),
    ];
    let row = (0_u8..2, prop::collection::vec(score, 3), 0_usize..3).prop_map(
        |(dataset, scores, pick)| {
            let costs = vec![None; 3];
            (PoolRow { dataset: format!("set {dataset}"), scores, costs }, pick)
        },
    );
    prop::collection::vec(row, 1..40).prop_map(|rows| rows.into_iter().unzip())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_oracle_bounds_every_router_on_every_measured_row((mut rows, picked) in any_rows()) {
        rows.iter_mut().for_each(|row| row.scores.iter_mut().for_each(|s| *s = s.or(Some(0.5))));
        let result = judge(&rows, &[column("mine", picked)]).unwrap();
        let baseline = |name: &str| result.router(name, Origin::Baseline).unwrap();
        let oracle = baseline("oracle");
        for router in &result.routers {
            for set in &router.metrics.datasets {
                prop_assert!(set.score <= oracle.on(&set.name).unwrap() + 1e-12, "{}", router.name);
            }
            prop_assert!((router.metrics.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert_eq!(router.metrics.picked_unmeasured, 0);
        }
        // Hindsight bounds every single model, and knowing the task bounds hindsight.
        let best = baseline("best single LLM, in hindsight").metrics.mean.unwrap();
        let task = baseline("best LLM of each data set, in hindsight").metrics.mean.unwrap();
        let names = models();
        let singles: Vec<f64> = names.iter().map(|name| baseline(name).metrics.mean.unwrap()).collect();
        prop_assert!(singles.iter().all(|&single| single <= best + 1e-12));
        prop_assert!(best <= task + 1e-12);
        let random = baseline("random").metrics.mean.unwrap();
        prop_assert!((random - singles.iter().sum::<f64>() / 3.0).abs() < 1e-12);
    }

    #[test]
    fn every_row_is_scored_or_counted_and_the_order_of_rows_is_nothing(
        (rows, picked) in any_rows(), turn in 0_usize..40,
    ) {
        let result = judge(&rows, &[column("mine", picked.clone())]).unwrap();
        for router in &result.routers {
            let scored: usize = router.metrics.datasets.iter().map(|set| set.rows).sum();
            prop_assert_eq!(scored + router.metrics.picked_unmeasured, rows.len());
            let Some(interval) = router.metrics.mean_interval else { continue };
            prop_assert!(interval.low <= interval.median && interval.median <= interval.high);
            prop_assert!(interval.low >= 0.0 && interval.high <= 1.0 + 1e-12);
            prop_assert_eq!(interval.resamples + interval.undefined, 60);
        }
        let (mut turned_rows, mut turned_picks) = (rows.clone(), picked);
        turned_rows.rotate_left(turn % rows.len());
        turned_picks.rotate_left(turn % rows.len());
        let turned = judge(&turned_rows, &[column("mine", turned_picks)]).unwrap();
        for router in &result.routers {
            let other = turned.router(&router.name, router.origin).unwrap();
            let close = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-12,
                (a, b) => a == b,
            };
            prop_assert!(close(router.metrics.mean, other.metrics.mean), "{}", router.name);
            prop_assert!(close(router.metrics.row_mean, other.metrics.row_mean));
            prop_assert_eq!(router.metrics.picked_unmeasured, other.metrics.picked_unmeasured);
        }
    }

    #[test]
    fn differences_are_those_of_the_means((rows, picked) in any_rows()) {
        let other = picked.iter().map(|pick| (pick + 1) % 3).collect();
        let result = judge(&rows, &[column("a", picked), column("b", other)]).unwrap();
        for found in &result.differences {
            let mean = |at: usize| result.routers[at].metrics.mean.unwrap();
            prop_assert_eq!(found.difference, mean(found.router) - mean(found.against));
            prop_assert!(found.router < found.against && found.router < 2);
        }
    }
}
