//! A trained router to a bundle, with its calibration and its evaluation.
//!
//! Calibration and evaluation are measured on the exported int8 graph through the engine, since
//! that is what decides in the field. The same router in float stands beside it, to show what
//! quantisation changed.

use std::sync::atomic::AtomicBool;

use switchyard_router::{Head, Metric, Provenance, Router, Source};

use crate::assess::{self, PairRows, pair_rows, win_rates};
use crate::device::ChosenDevice;
use crate::encoder::embeddings::EmbeddingCache;
use crate::error::TrainerError;
use crate::eval::calibration::calibrate;
use crate::eval::nearest_neighbours::{Neighbour, nearest_neighbours};
use crate::eval::results::build::{Benchmark, RouterColumn, Settings, build};
use crate::eval::results::{BenchmarkResult, Precision as Judged, RouterResult};
use crate::export::bundle::{BundleDraft, BundleFacts};
use crate::export::{Precision, router_graph};
use crate::prepare::Prepared;
use crate::recipe::{HeadRecipe, Recipe, RecipeFile};
use crate::router::TrainedHead;
use crate::run::{Run, Trained};
use crate::verify::Disagreement;

/// Neighbours of the kNN baseline.
const NEIGHBOURS: usize = 40;

/// What a finished run has to show.
pub struct Finished {
    /// What ships.
    pub bundle: BundleDraft,
    /// The same in float.
    pub float: BundleDraft,
    /// The evaluation on the gold source's rest; `None` where nothing was left to score.
    pub result: Option<BenchmarkResult>,
    /// Float against int8, on the scored queries, or else on those of the calibration.
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
    // A win rate does not depend on the calibration, so one engine serves all that follows.
    let (router, float_router) = (bundle.router()?, float.router()?);
    let sample: Vec<&str> = prepared.calibration.iter().map(String::as_str).collect();
    let sampled = win_rates(&router, &sample, stop)?;
    let calibration = calibrate(&sampled, "queries held back from the recipe's sources")?;
    let threshold = calibration.threshold_at_share(facts.default_strong_share);
    let bundle = bundle.with_calibration(calibration.clone());
    let float = float.with_calibration(calibration.clone());
    if prepared.test.rows.is_empty() {
        let exact = win_rates(&float_router, &sample, stop)?;
        let disagreement = Disagreement::between(&exact, &sampled, threshold).check()?;
        return Ok(Finished { bundle, float, result: None, disagreement });
    }

    let pair = pair_rows(&prepared.test, &facts.strong, &facts.weak)?;
    let column = |judged: Judged, rates: Vec<f64>| RouterColumn {
        tier: Some(facts.encoder.tier().into()),
        training_seed: Some(facts.seed),
        calibration: Some(calibration.clone()),
        ..RouterColumn::new(&facts.name, facts.head.kind().name(), judged, rates)
    };
    let int8 = column(Judged::Int8, win_rates(&router, &pair.queries, stop)?);
    let exact = column(Judged::Float, win_rates(&float_router, &pair.queries, stop)?);
    let disagreement =
        Disagreement::between(&exact.win_rates, &int8.win_rates, threshold).check()?;
    let mut columns = vec![int8, exact];
    // Without gold rows to train on there is no labelled neighbour, nor a kNN baseline.
    if !prepared.gold.rows.is_empty() {
        let neighbours = neighbours(run, recipe, prepared, trained, &pair, stop)?;
        let name = format!("kNN, k = {NEIGHBOURS}, same embeddings");
        columns.push(RouterColumn {
            tier: Some(facts.encoder.tier().into()),
            ..RouterColumn::new(&name, "knn", Judged::Baseline, neighbours)
        });
    }
    let kind = assess::benchmark_kind(prepared.benchmark_format);
    let benchmark = Benchmark {
        kind,
        data_sha256: Some(prepared.benchmark_sha256.clone()),
        leaks_removed: Some(prepared.test_leaks),
        bad_rows: pair.without_pair,
        score_scale: f64::from(prepared.test.score_scale),
        ..Benchmark::new(&prepared.benchmark, &facts.weak, &facts.strong)
    };
    let settings = Settings::default();
    let result = build(&benchmark, &pair.rows, &columns, &settings)?;
    let bundle = bundle.with_metrics(metrics(prepared, &result, Judged::Int8));
    let float = float.with_metrics(metrics(prepared, &result, Judged::Float));
    Ok(Finished { bundle, float, result: Some(result), disagreement })
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
        }),
    };
    Ok(BundleDraft::new(stated, model, trained.encoder.tokenizer_json.clone(), memory))
}

fn head(facts: &Recipe, trained: &Trained) -> Head {
    let mut head = Head {
        strong: Some(facts.strong.clone()),
        weak: Some(facts.weak.clone()),
        default_strong_share: Some(facts.default_strong_share),
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

fn metrics(prepared: &Prepared, result: &BenchmarkResult, judged: Judged) -> Vec<Metric> {
    let own = result.routers.iter().find(|router| router.precision == judged);
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
    let gold = pair_rows(&prepared.gold, &facts.strong, &facts.weak)?;
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
