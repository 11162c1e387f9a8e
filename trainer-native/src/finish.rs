//! Exports a trained router to a bundle, calibrates it and evaluates it.
//!
//! Calibration, evaluation and the map of training queries are computed on the exported int8 graph
//! through the engine, since that graph is what hosts run. The same router in float runs on some of
//! the queries, to show what quantisation changed; `trainer eval --float` scores it on all.

mod draft;
pub mod measured;

use std::sync::atomic::AtomicBool;

use pointsman::{Calibration, Metric, Query, Router};

use crate::assess::{self, PairRows, pair_rows, pool_column, pool_rows, qualities, win_rates};
use crate::dataset::Prepared;
use crate::encoder::if_any_token;
use crate::error::TrainerError;
use crate::eval::pair::calibration::calibrate;
use crate::eval::pair::nearest_neighbours::{Neighbour, nearest_neighbours};
use crate::eval::pair::published::PairKind;
use crate::eval::pair::rows::routed;
use crate::eval::pair::{self, PairColumn, PairModels, PairSettings};
use crate::eval::pool::rows::of_outcomes;
use crate::eval::pool::{self, PoolSettings};
use crate::eval::{Benchmark, Entry, Origin, Stored};
use crate::export::bundle::BundleDraft;
use crate::map::{QueryMap, draw};
use crate::precision::Precision;
use crate::recipe::{ClusterRecipe, Grouping, HeadRecipe, Pair};
use crate::training::context::Context;
use crate::training::embedder::Embedder;
use crate::training::fit::Trained;
use crate::verify::Disagreement;

pub use draft::draft;
use measured::Measured;

/// Neighbours of the kNN baseline.
const NEIGHBOURS: usize = 40;
/// Most queries that float and int8 are compared on.
const COMPARED: usize = 2000;
/// Most queries whose demands stand for a calibration's sample.
const SAMPLE_DEMANDS: usize = 201;

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
pub fn finish(context: &Context<'_>, trained: &Trained) -> Result<Finished, TrainerError> {
    let draft = |precision| {
        let (sources, device) = (context.data.sources.clone(), &context.device.description);
        draft(context.recipe, context.recipe_sha256, sources, trained, device, precision)
    };
    let (bundle, float) = (draft(Precision::Int8)?, draft(Precision::Float)?);
    let mut finished = match &context.recipe.pair {
        Some(pair) => by_threshold(context, trained, pair, (bundle, float))?,
        None => choose(context, bundle, float)?,
    };
    if let Some(map) = map(context, &finished.bundle)? {
        finished.bundle = finished.bundle.with_map(map.to_bytes()?);
    }
    Ok(finished)
}

/// The map of the training queries, as the int8 bundle embeds and routes them.
fn map(context: &Context<'_>, bundle: &BundleDraft) -> Result<Option<QueryMap>, TrainerError> {
    let recipe = context.recipe;
    let by_data_set =
        matches!(recipe.head, HeadRecipe::Cluster(ClusterRecipe { groups: Grouping::DataSet, .. }));
    let queries = draw::draw(context.data, by_data_set, recipe.seed)?;
    QueryMap::of(&bundle.router()?, &queries, recipe.seed, context.stop)
}

/// Demands of queries at equal steps of the sample's win rates, from which a host computes the quantiles of
/// another pair. A query without a token has none and is left out.
fn sample_demands(
    router: &Router,
    sample: &[&str],
    win_rates: &[f64],
) -> Result<Vec<Vec<f32>>, TrainerError> {
    let mut ascending: Vec<(f64, &str)> =
        win_rates.iter().copied().zip(sample.iter().copied()).collect();
    ascending.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
    let last = ascending.len().saturating_sub(1);
    let steps = SAMPLE_DEMANDS.min(ascending.len());
    let mut places: Vec<usize> =
        (0..steps).map(|step| step * last / steps.saturating_sub(1).max(1)).collect();
    places.dedup();
    let mut demands = Vec::with_capacity(places.len());
    for place in places {
        let found = if_any_token(router.demands(&Query::new(ascending[place].1)?))?;
        #[allow(clippy::cast_possible_truncation)]
        demands.extend(found.map(|row| row.iter().map(|&d| d as f32).collect::<Vec<f32>>()));
    }
    Ok(demands)
}

/// The calibration of a router on a sample, and the sample's win rates; `name` describes the sample.
///
/// # Errors
/// [`TrainerError::Eval`] for an empty sample; those of the engine; [`TrainerError::Interrupted`].
pub fn calibration(
    router: &Router,
    sample: &[&str],
    name: &str,
    stop: &AtomicBool,
) -> Result<(Calibration, Vec<f64>), TrainerError> {
    let sampled = win_rates(router, sample, stop)?;
    let mut calibration = calibrate(&sampled, name)?;
    if router.info().head.demands.is_some() {
        calibration.demands = Some(sample_demands(router, sample, &sampled)?);
    }
    Ok((calibration, sampled))
}

/// Calibrates, verifies and scores a router of a strong and a weak candidate.
fn by_threshold(
    context: &Context<'_>,
    trained: &Trained,
    pair: &Pair,
    (bundle, float): (BundleDraft, BundleDraft),
) -> Result<Finished, TrainerError> {
    let &Context { recipe, data, stop, .. } = context;
    // A win rate does not depend on the calibration, so one engine serves all that follows.
    let (router, float_router) = (bundle.router()?, float.router()?);
    let sample: Vec<&str> = data.calibration.iter().map(String::as_str).collect();
    let name = "queries held back from the recipe's sources";
    let (calibration, sampled) = calibration(&router, &sample, name, stop)?;
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
    if data.test.rows.is_empty() {
        let disagreement = compared(&sample, &sampled)?;
        return Ok(Finished { bundle, float, result: None, disagreement });
    }

    let Pair { strong, weak, .. } = pair;
    let scored = pair_rows(&data.test, strong, weak)?;
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
    if !data.gold.rows.is_empty() {
        let neighbours = neighbours(context, trained, pair, &scored)?;
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
        false => assess::benchmark_kind(data.benchmark_format),
    };
    let benchmark = Benchmark { bad_rows: scored.without_pair, ..scored_benchmark(data, kind) };
    let models = PairModels { weak: weak.clone(), strong: strong.clone() };
    let settings =
        PairSettings { score_scale: f64::from(data.test.score_scale), ..PairSettings::default() };
    let result = pair::build(&benchmark, &models, &scored.rows, &columns, &settings)?;
    let set = Measured { dataset: &data.benchmark, removed_as_leaks: data.test_leaks, kind };
    let curve = measured::share_curve(&set, pair, &by_rate)?;
    let bundle = bundle.with_metrics(measured::metrics(data, &result)).with_curves(vec![curve]);
    let result = Some(Stored { pairs: vec![result], ..Stored::default() });
    Ok(Finished { bundle, float, result, disagreement })
}

/// Verifies a router that picks the best of all its candidates, and scores its picks.
fn choose(
    context: &Context<'_>,
    bundle: BundleDraft,
    float: BundleDraft,
) -> Result<Finished, TrainerError> {
    let &Context { recipe, data, stop, .. } = context;
    if data.test.rows.is_empty() {
        return Err(TrainerError::NothingToScore {
            detail: "no row is left to score: all were removed as leaks or drawn for training"
                .into(),
        });
    }
    let (router, float_router) = (bundle.router()?, float.router()?);
    let queries: Vec<&str> = data.test.rows.iter().map(|row| row.query.as_str()).collect();
    let step = queries.len().div_ceil(COMPARED).max(1);
    let found = qualities(&router, &queries, stop)?;
    let some: Vec<&str> = queries.iter().copied().step_by(step).collect();
    let exact = qualities(&float_router, &some, stop)?;
    let rounded: Vec<Vec<f64>> = found.iter().step_by(step).cloned().collect();
    let disagreement = Disagreement::between_qualities(&exact, &rounded).check()?;
    let models: Vec<String> = recipe.candidates.iter().map(|c| c.id.clone()).collect();
    let set = pool_rows(&data.test, &models, data.benchmark_format);
    let training = of_outcomes(&data.train, &models, set.scoring);
    let column = pool_column(router.info(), Origin::INT8, &models, &found)?;
    let benchmark = scored_benchmark(data, set.kind);
    let settings = PoolSettings::default();
    let result = pool::build(&benchmark, &models, &set.rows, &training, &[column], &settings)?;
    let own = result.router(&recipe.name, Origin::INT8);
    let metric = own.and_then(|own| own.metrics.mean).map(|mean| Metric {
        dataset: data.benchmark.clone(),
        metric: "mean_score".into(),
        value: mean * 100.0,
        rows: set.rows.len() as u64,
        removed_as_leaks: data.test_leaks as u64,
        held_out: true,
    });
    let curve = measured::mean_curve(data, &result, &recipe.name);
    let bundle =
        bundle.with_metrics(metric.into_iter().collect()).with_curves(curve.into_iter().collect());
    let result = Some(Stored { pools: vec![result], ..Stored::default() });
    Ok(Finished { bundle, float, result, disagreement })
}

/// The benchmark that a run is scored on.
fn scored_benchmark<K>(data: &Prepared, kind: K) -> Benchmark<K> {
    Benchmark {
        data_sha256: Some(data.benchmark_sha256.clone()),
        leaks_removed: Some(data.test_leaks),
        ..Benchmark::new(&data.benchmark, kind)
    }
}

/// Win rates of the kNN baseline on the router's own embeddings.
fn neighbours(
    context: &Context<'_>,
    trained: &Trained,
    pair: &Pair,
    scored: &PairRows<'_>,
) -> Result<Vec<f64>, TrainerError> {
    let gold = pair_rows(&context.data.gold, &pair.strong, &pair.weak)?;
    let mut embedder = Embedder::new(context, &trained.encoder)?;
    let labelled: Vec<Neighbour> = embedder
        .topics(&gold.queries)?
        .into_iter()
        .zip(&gold.rows)
        .map(|(embedding, row)| Neighbour { embedding, gain: row.strong - row.weak })
        .collect();
    Ok(nearest_neighbours(&embedder.topics(&scored.queries)?, &labelled, NEIGHBOURS))
}
