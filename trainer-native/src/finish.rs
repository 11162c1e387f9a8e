//! A trained router to a bundle, with its calibration and its evaluation.
//!
//! Calibration and evaluation are measured on the exported int8 graph through the engine, since
//! that is what decides in the field. The same router in float is run on some of the queries, to
//! show what quantisation changed; `trainer eval --float` scores it on all.

use std::sync::atomic::AtomicBool;

use switchyard_router::{Head, Metric, Provenance, Router, Source};

use crate::assess::{self, PairRows, choice_column, choice_set, pair_rows, qualities, win_rates};
use crate::device::ChosenDevice;
use crate::encoder::embeddings::EmbeddingCache;
use crate::error::TrainerError;
use crate::eval::calibration::calibrate;
use crate::eval::choice::build::{
    ChoiceBenchmark, Settings as ChoiceSettings, build as build_choice,
};
use crate::eval::choice::rows::of_outcomes;
use crate::eval::nearest_neighbours::{Neighbour, nearest_neighbours};
use crate::eval::published::BenchmarkKind;
use crate::eval::report::Stored;
use crate::eval::results::build::{Benchmark, RouterColumn, Settings, build};
use crate::eval::results::{BenchmarkResult, Precision as Judged, RouterResult};
use crate::export::bundle::{BundleDraft, BundleFacts};
use crate::export::{Precision, router_graph};
use crate::prepare::Prepared;
use crate::recipe::{HeadRecipe, Pair, Recipe, RecipeFile};
use crate::router::TrainedHead;
use crate::run::{Run, Trained};
use crate::verify::Disagreement;

/// Neighbours of the kNN baseline.
const NEIGHBOURS: usize = 40;
/// Queries at most that float and int8 are compared on.
const COMPARED: usize = 2000;

/// What a finished run has to show.
pub struct Finished {
    /// What ships.
    pub bundle: BundleDraft,
    /// The same in float.
    pub float: BundleDraft,
    /// The evaluation on the gold source's rest; `None` where nothing was left to score.
    pub result: Option<Stored>,
    /// Float against int8, on some of the scored queries, or else of those of the calibration.
    pub disagreement: Disagreement,
}

/// Exports, calibrates, evaluates and verifies.
///
/// # Errors
/// [`TrainerError::Disagreement`] where the int8 bundle differs from the float one; those of the
/// engine and of the evaluation.
pub fn finish(
    run: &Run,
    recipe: &RecipeFile,
    prepared: &Prepared,
    trained: &Trained,
    chosen: &ChosenDevice,
    stop: &AtomicBool,
) -> Result<Finished, TrainerError> {
    let facts = &recipe.recipe;
    let draft = |precision| {
        draft(recipe, prepared.sources.clone(), trained, &chosen.description, precision)
    };
    let (bundle, float) = (draft(Precision::Int8)?, draft(Precision::Float)?);
    let Some(pair) = &facts.pair else {
        return choose(prepared, facts, bundle, float, stop);
    };
    // A win rate does not depend on the calibration, so one engine serves all that follows.
    let (router, float_router) = (bundle.router()?, float.router()?);
    let sample: Vec<&str> = prepared.calibration.iter().map(String::as_str).collect();
    let sampled = win_rates(&router, &sample, stop)?;
    let calibration = calibrate(&sampled, "queries held back from the recipe's sources")?;
    let threshold = calibration.threshold_at_share(pair.default_strong_share);
    let bundle = bundle.with_calibration(calibration.clone());
    let float = float.with_calibration(calibration.clone());
    let compared = |queries: &[&str], int8: &[f64]| {
        let step = queries.len().div_ceil(COMPARED).max(1);
        let queries: Vec<&str> = queries.iter().copied().step_by(step).collect();
        let int8: Vec<f64> = int8.iter().copied().step_by(step).collect();
        let exact = win_rates(&float_router, &queries, stop)?;
        Disagreement::between(&exact, &int8, threshold).check()
    };
    if prepared.test.rows.is_empty() {
        let disagreement = compared(&sample, &sampled)?;
        return Ok(Finished { bundle, float, result: None, disagreement });
    }

    let Pair { strong, weak, .. } = pair;
    let pair = pair_rows(&prepared.test, strong, weak)?;
    let routed = win_rates(&router, &pair.queries, stop)?;
    let disagreement = compared(&pair.queries, &routed)?;
    let mut columns = vec![RouterColumn {
        tier: Some(facts.encoder.tier().into()),
        training_seed: Some(facts.seed),
        calibration: Some(calibration.clone()),
        ..RouterColumn::new(&facts.name, facts.head.kind().name(), Judged::Int8, routed)
    }];
    // Without gold rows to train on there is no labelled neighbour, nor a kNN baseline.
    if !prepared.gold.rows.is_empty() {
        let neighbours = neighbours(run, recipe, prepared, trained, &pair, stop)?;
        let name = format!("kNN, k = {NEIGHBOURS}, same embeddings");
        columns.push(RouterColumn {
            tier: Some(facts.encoder.tier().into()),
            ..RouterColumn::new(&name, "knn", Judged::Baseline, neighbours)
        });
    }
    // Published rows are of whole benchmarks.
    let kind = match facts.sources.iter().any(|source| source.held_categories > 0) {
        true => BenchmarkKind::Other,
        false => assess::benchmark_kind(prepared.benchmark_format),
    };
    let benchmark = Benchmark {
        kind,
        data_sha256: Some(prepared.benchmark_sha256.clone()),
        leaks_removed: Some(prepared.test_leaks),
        bad_rows: pair.without_pair,
        score_scale: f64::from(prepared.test.score_scale),
        ..Benchmark::new(&prepared.benchmark, weak, strong)
    };
    let settings = Settings::default();
    let result = build(&benchmark, &pair.rows, &columns, &settings)?;
    let bundle = bundle.with_metrics(metrics(prepared, &result));
    let result = Some(Stored { pairs: vec![result], ..Stored::default() });
    Ok(Finished { bundle, float, result, disagreement })
}

/// Verifies a router that picks the best of all its candidates, and scores its picks.
fn choose(
    prepared: &Prepared,
    facts: &Recipe,
    bundle: BundleDraft,
    float: BundleDraft,
    stop: &AtomicBool,
) -> Result<Finished, TrainerError> {
    if prepared.test.rows.is_empty() {
        return Err(TrainerError::NoTrainingPair {
            detail: "no row is left to score: every one was removed".into(),
        });
    }
    let (router, float_router) = (bundle.router()?, float.router()?);
    let queries: Vec<&str> = prepared.test.rows.iter().map(|row| row.query.as_str()).collect();
    let step = queries.len().div_ceil(COMPARED).max(1);
    let found = qualities(&router, &queries, stop)?;
    let some: Vec<&str> = queries.iter().copied().step_by(step).collect();
    let exact = qualities(&float_router, &some, stop)?;
    let rounded: Vec<Vec<f64>> = found.iter().step_by(step).cloned().collect();
    let disagreement = Disagreement::between_qualities(&exact, &rounded).check()?;
    let models: Vec<String> = facts.candidates.iter().map(|c| c.id.clone()).collect();
    let set = choice_set(&prepared.test, &models, prepared.benchmark_format);
    let training = of_outcomes(&prepared.train, &models, set.scoring);
    let column = choice_column(router.info(), Judged::Int8, &models, &found)?;
    let benchmark = ChoiceBenchmark {
        kind: set.kind,
        data_sha256: Some(prepared.benchmark_sha256.clone()),
        leaks_removed: Some(prepared.test_leaks),
        ..ChoiceBenchmark::new(&prepared.benchmark)
    };
    let settings = ChoiceSettings::default();
    let result = build_choice(&benchmark, &models, &set.rows, &training, &[column], &settings)?;
    let own = result.router(&facts.name, Judged::Int8);
    let metric = own.and_then(|own| own.mean).map(|mean| Metric {
        dataset: prepared.benchmark.clone(),
        metric: "mean_score".into(),
        value: mean * 100.0,
        rows: set.rows.len() as u64,
        removed_as_leaks: prepared.test_leaks as u64,
        held_out: true,
    });
    let bundle = bundle.with_metrics(metric.into_iter().collect());
    let result = Some(Stored { choices: vec![result], ..Stored::default() });
    Ok(Finished { bundle, float, result, disagreement })
}

/// The bundle of a trained router, before anything was measured on it.
///
/// # Errors
/// [`TrainerError::NotFinite`], [`TrainerError::BadEncoder`].
pub fn draft(
    recipe: &RecipeFile,
    sources: Vec<Source>,
    trained: &Trained,
    device: &str,
    precision: Precision,
) -> Result<BundleDraft, TrainerError> {
    let facts = &recipe.recipe;
    let graph_head = match &trained.head {
        TrainedHead::Graph(head) => Some((head.as_ref(), trained.columns.as_slice())),
        _ => None,
    };
    let model = router_graph::build(&trained.encoder.network, graph_head, precision)?;
    let memory = match &trained.head {
        TrainedHead::SwRanking { memory, .. } | TrainedHead::Knn(memory) => Some(memory),
        TrainedHead::Graph(_) | TrainedHead::Random => None,
    };
    let stated = BundleFacts {
        name: facts.name.clone(),
        kind: facts.head.kind().name().into(),
        candidates: facts.candidates.clone(),
        encoder: trained.encoder.info(&facts.encoder),
        head: head(facts, trained),
        trained_on: sources,
        provenance: Some(Provenance {
            trainer: env!("CARGO_PKG_VERSION").into(),
            recipe: facts.name.clone(),
            recipe_sha256: recipe.sha256.clone(),
            seed: facts.seed,
            device: device.to_owned(),
            licence: facts.licence.clone(),
            teacher: None,
        }),
    };
    Ok(BundleDraft::new(stated, model, trained.encoder.tokenizer_json.clone(), memory))
}

fn head(facts: &Recipe, trained: &Trained) -> Head {
    let pair = facts.pair.as_ref();
    let mut head = Head {
        strong: pair.map(|pair| pair.strong.clone()),
        weak: pair.map(|pair| pair.weak.clone()),
        default_strong_share: pair.map(|pair| pair.default_strong_share),
        ..Head::default()
    };
    match (&facts.head, &trained.head) {
        (HeadRecipe::SwRanking(settings), TrainedHead::SwRanking { tiers, .. }) => {
            head.gamma = Some(settings.gamma);
            head.tiers = Some(trained.columns.iter().map(|&model| tiers[model]).collect());
        }
        (HeadRecipe::Knn(settings), _) => head.neighbours = Some(settings.neighbours),
        (HeadRecipe::Random, _) => head.seed = Some(facts.seed),
        _ => {}
    }
    head
}

fn metrics(prepared: &Prepared, result: &BenchmarkResult) -> Vec<Metric> {
    let own = result.routers.iter().find(|router| router.precision == Judged::Int8);
    let share = |router: &RouterResult, quality| router.cpt_at(quality).map(|c| c.strong_share);
    let values = own.map_or([None; 3], |r| [r.apgr, share(r, 0.5), share(r, 0.8)]);
    let names = [("apgr", 1.0), ("cpt50", 100.0), ("cpt80", 100.0)];
    names
        .into_iter()
        .zip(values)
        .filter_map(|((metric, unit), value)| {
            Some(Metric {
                dataset: prepared.benchmark.clone(),
                metric: metric.into(),
                value: value? * unit,
                rows: result.rows as u64,
                removed_as_leaks: prepared.test_leaks as u64,
                held_out: true,
            })
        })
        .collect()
}

/// Win rates of the kNN baseline on the router's own embeddings.
fn neighbours(
    run: &Run,
    recipe: &RecipeFile,
    prepared: &Prepared,
    trained: &Trained,
    pair: &PairRows<'_>,
    stop: &AtomicBool,
) -> Result<Vec<f64>, TrainerError> {
    let facts = &recipe.recipe;
    let asked = facts.pair()?;
    let gold = pair_rows(&prepared.gold, &asked.strong, &asked.weak)?;
    let (router, mut cache) = run.embedder(recipe, &trained.encoder)?;
    let mut embed = |queries: &[&str]| embeddings(&router, &mut cache, queries, stop);
    let labelled: Vec<Neighbour> = embed(&gold.queries)?
        .into_iter()
        .zip(&gold.rows)
        .map(|(embedding, row)| Neighbour { embedding, gain: row.strong - row.weak })
        .collect();
    Ok(nearest_neighbours(&embed(&pair.queries)?, &labelled, NEIGHBOURS))
}

/// One embedding a query, without the length; zeros for a query without a token.
fn embeddings(
    router: &Router,
    cache: &mut EmbeddingCache,
    queries: &[&str],
    stop: &AtomicBool,
) -> Result<Vec<Vec<f32>>, TrainerError> {
    let rows = cache.rows(router, queries.iter().copied(), stop)?;
    let width = cache.width();
    rows.into_iter()
        .map(|row| match row {
            Some(row) => cache.read(&[row]).map(|mut embedding| {
                embedding.truncate(width - 1);
                embedding
            }),
            None => Ok(vec![0.0; width - 1]),
        })
        .collect()
}
