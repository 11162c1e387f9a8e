//! Exports a trained router to a bundle, calibrates it and evaluates it.
//!
//! Calibration, evaluation and the map of training queries are computed on the exported int8 graph
//! through the engine, since that graph is what hosts run. The same router in float runs on some of
//! the queries, to show what quantisation changed; `trainer eval --float` scores it on all.

mod draft;
pub mod measured;

use std::sync::atomic::AtomicBool;

use pointsman::{Metric, Router};

use crate::assess::{self, PairRows, pair_rows, pool_column, pool_rows, qualities, win_rates};
use crate::dataset::Prepared;
use crate::device::ChosenDevice;
use crate::encoder::embeddings::EmbeddingCache;
use crate::error::TrainerError;
use crate::eval::pair::calibration::calibrate;
use crate::eval::pair::nearest_neighbours::{Neighbour, nearest_neighbours};
use crate::eval::pair::published::PairKind;
use crate::eval::pair::rows::routed;
use crate::eval::pair::{self, PairColumn, PairModels, PairSettings};
use crate::eval::pool::rows::of_outcomes;
use crate::eval::pool::{self, PoolSettings};
use crate::eval::{Benchmark, Entry, Origin, Stored};
use crate::export::Precision;
use crate::export::bundle::BundleDraft;
use crate::map::{QueryMap, draw};
use crate::recipe::{ClusterRecipe, Grouping, HeadRecipe, Pair, Recipe, RecipeFile};
use crate::run::{Run, Trained};
use crate::verify::Disagreement;

pub use draft::draft;
use measured::Measured;

/// Neighbours of the kNN baseline.
const NEIGHBOURS: usize = 40;
/// Most queries that float and int8 are compared on.
const COMPARED: usize = 2000;

/// The bundles of a finished run and its evaluation.
pub struct Finished {
    /// The int8 bundle, which ships.
    pub bundle: BundleDraft,
    /// The same router in float.
    pub float: BundleDraft,
    /// The evaluation on the rows of the gold source that were not trained on; `None` where no row
    /// is left to score.
    pub result: Option<Stored>,
    /// Difference between float and int8, on some of the scored queries, or else on those of the
    /// calibration.
    pub disagreement: Disagreement,
}

/// Exports, calibrates, evaluates and verifies.
///
/// # Errors
/// [`TrainerError::Disagreement`] where the int8 bundle differs from the float one; those of the
/// engine and of the evaluation.
pub fn finish(
    run: &Run,
    recipe_file: &RecipeFile,
    prepared: &Prepared,
    trained: &Trained,
    chosen_device: &ChosenDevice,
    stop: &AtomicBool,
) -> Result<Finished, TrainerError> {
    let recipe = &recipe_file.recipe;
    let draft = |precision| {
        draft(recipe_file, prepared.sources.clone(), trained, &chosen_device.description, precision)
    };
    let (bundle, float) = (draft(Precision::Int8)?, draft(Precision::Float)?);
    let mut finished = match &recipe.pair {
        Some(pair) => {
            by_threshold(run, recipe_file, prepared, trained, pair, (bundle, float), stop)?
        }
        None => choose(prepared, recipe, bundle, float, stop)?,
    };
    if let Some(map) = map(&finished.bundle, prepared, recipe, stop)? {
        finished.bundle = finished.bundle.with_map(map.to_bytes()?);
    }
    Ok(finished)
}

/// The map of the training queries, as the int8 bundle embeds and routes them.
fn map(
    bundle: &BundleDraft,
    prepared: &Prepared,
    recipe: &Recipe,
    stop: &AtomicBool,
) -> Result<Option<QueryMap>, TrainerError> {
    let by_data_set =
        matches!(recipe.head, HeadRecipe::Cluster(ClusterRecipe { groups: Grouping::DataSet, .. }));
    let queries = draw::draw(prepared, by_data_set, recipe.seed)?;
    QueryMap::of(&bundle.router()?, &queries, recipe.seed, stop)
}

/// Calibrates, verifies and scores a router of a strong and a weak candidate.
fn by_threshold(
    run: &Run,
    recipe_file: &RecipeFile,
    prepared: &Prepared,
    trained: &Trained,
    pair: &Pair,
    (bundle, float): (BundleDraft, BundleDraft),
    stop: &AtomicBool,
) -> Result<Finished, TrainerError> {
    let recipe = &recipe_file.recipe;
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
    let scored = pair_rows(&prepared.test, strong, weak)?;
    let rates = win_rates(&router, &scored.queries, stop)?;
    let disagreement = compared(&scored.queries, &rates)?;
    let by_rate = routed(&scored.rows, &rates)?;
    let tier = Some(recipe.encoder.tier().to_owned());
    let mut columns = vec![PairColumn {
        router: Entry {
            tier: tier.clone(),
            training_seed: Some(recipe.seed),
            ..Entry::new(&recipe.name, recipe.head.kind().name(), Origin::INT8, ())
        },
        win_rates: rates,
        calibration: Some(calibration.clone()),
    }];
    // Without gold rows to train on there is no labelled neighbour, hence no kNN baseline.
    if !prepared.gold.rows.is_empty() {
        let neighbours = neighbours(run, recipe_file, prepared, trained, &scored, stop)?;
        let name = format!("kNN, k = {NEIGHBOURS}, same embeddings");
        columns.push(PairColumn {
            router: Entry { tier, ..Entry::new(&name, "knn", Origin::Baseline, ()) },
            win_rates: neighbours,
            calibration: None,
        });
    }
    // Published rows were measured on whole benchmarks.
    let kind = match recipe.sources.iter().any(|source| source.held_categories > 0) {
        true => PairKind::Other,
        false => assess::benchmark_kind(prepared.benchmark_format),
    };
    let benchmark = Benchmark { bad_rows: scored.without_pair, ..scored_benchmark(prepared, kind) };
    let models = PairModels { weak: weak.clone(), strong: strong.clone() };
    let settings = PairSettings {
        score_scale: f64::from(prepared.test.score_scale),
        ..PairSettings::default()
    };
    let result = pair::build(&benchmark, &models, &scored.rows, &columns, &settings)?;
    let set =
        Measured { dataset: &prepared.benchmark, removed_as_leaks: prepared.test_leaks, kind };
    let curve = measured::share_curve(&set, pair, &by_rate)?;
    let bundle = bundle.with_metrics(measured::metrics(prepared, &result)).with_curves(vec![curve]);
    let result = Some(Stored { pairs: vec![result], ..Stored::default() });
    Ok(Finished { bundle, float, result, disagreement })
}

/// Verifies a router that picks the best of all its candidates, and scores its picks.
fn choose(
    prepared: &Prepared,
    recipe: &Recipe,
    bundle: BundleDraft,
    float: BundleDraft,
    stop: &AtomicBool,
) -> Result<Finished, TrainerError> {
    if prepared.test.rows.is_empty() {
        return Err(TrainerError::NoTrainingPair {
            detail: "no row is left to score: all were removed as leaks or drawn for training"
                .into(),
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
    let models: Vec<String> = recipe.candidates.iter().map(|c| c.id.clone()).collect();
    let set = pool_rows(&prepared.test, &models, prepared.benchmark_format);
    let training = of_outcomes(&prepared.train, &models, set.scoring);
    let column = pool_column(router.info(), Origin::INT8, &models, &found)?;
    let benchmark = scored_benchmark(prepared, set.kind);
    let settings = PoolSettings::default();
    let result = pool::build(&benchmark, &models, &set.rows, &training, &[column], &settings)?;
    let own = result.router(&recipe.name, Origin::INT8);
    let metric = own.and_then(|own| own.metrics.mean).map(|mean| Metric {
        dataset: prepared.benchmark.clone(),
        metric: "mean_score".into(),
        value: mean * 100.0,
        rows: set.rows.len() as u64,
        removed_as_leaks: prepared.test_leaks as u64,
        held_out: true,
    });
    let curve = measured::mean_curve(prepared, &result, &recipe.name);
    let bundle =
        bundle.with_metrics(metric.into_iter().collect()).with_curves(curve.into_iter().collect());
    let result = Some(Stored { pools: vec![result], ..Stored::default() });
    Ok(Finished { bundle, float, result, disagreement })
}

/// The benchmark that a run is scored on.
fn scored_benchmark<K>(prepared: &Prepared, kind: K) -> Benchmark<K> {
    Benchmark {
        data_sha256: Some(prepared.benchmark_sha256.clone()),
        leaks_removed: Some(prepared.test_leaks),
        ..Benchmark::new(&prepared.benchmark, kind)
    }
}

/// Win rates of the kNN baseline on the router's own embeddings.
fn neighbours(
    run: &Run,
    recipe_file: &RecipeFile,
    prepared: &Prepared,
    trained: &Trained,
    pair: &PairRows<'_>,
    stop: &AtomicBool,
) -> Result<Vec<f64>, TrainerError> {
    let recipe = &recipe_file.recipe;
    let models = recipe.pair()?;
    let gold = pair_rows(&prepared.gold, &models.strong, &models.weak)?;
    let (router, mut cache) = run.embedder(recipe_file, &trained.encoder)?;
    let mut embed = |queries: &[&str]| embeddings(&router, &mut cache, queries, stop);
    let labelled: Vec<Neighbour> = embed(&gold.queries)?
        .into_iter()
        .zip(&gold.rows)
        .map(|(embedding, row)| Neighbour { embedding, gain: row.strong - row.weak })
        .collect();
    Ok(nearest_neighbours(&embed(&pair.queries)?, &labelled, NEIGHBOURS))
}

/// One embedding for each query, without the length coordinate; zeros for a query without a token.
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
