//! A trained router to a bundle, with its calibration, its metrics and its report.
//!
//! Calibration and metrics are measured on the exported int8 graph through the engine, since that
//! is what decides in the field.

use std::fmt::Write as _;

use rayon::prelude::*;
use switchyard_router::{
    Calibration, EncoderInfo, Head, Metric, Provenance, Query, Router, TruncationSide,
};

use crate::assess::{routed_rows, win_rates};
use crate::data::Outcomes;
use crate::device::ChosenDevice;
use crate::error::TrainerError;
use crate::eval::calibration::calibrate;
use crate::eval::nearest_neighbours::{Neighbour, nearest_neighbours};
use crate::eval::{self, Evaluation, MetricRow, RoutedRow, baselines};
use crate::export::bundle::{BundleDraft, BundleFacts};
use crate::export::static_router;
use crate::prepare::Prepared;
use crate::recipe::RecipeFile;
use crate::run::Trained;
use crate::verify::{self, Disagreement};

/// Neighbours of the kNN baseline.
const NEIGHBOURS: usize = 40;
/// Draws of the random baseline.
const RANDOM_DRAWS: usize = 20;

/// What a finished run has to show.
pub struct Finished {
    /// The bundle.
    pub bundle: BundleDraft,
    /// Rows of the table, baselines and published rows among them.
    pub rows: Vec<MetricRow>,
    /// Float against int8.
    pub disagreement: Disagreement,
    /// The router's own evaluation.
    pub evaluation: Evaluation,
}

/// Exports, calibrates, evaluates and verifies.
///
/// # Errors
/// [`TrainerError::Disagreement`] where the export differs from the float model; those of the
/// engine and of the evaluation.
pub fn finish(
    recipe: &RecipeFile,
    prepared: &Prepared,
    trained: &Trained,
    chosen: &ChosenDevice,
) -> Result<Finished, TrainerError> {
    let facts = &recipe.recipe;
    let column = |id: &str| {
        prepared.train.model_index(id).ok_or_else(|| TrainerError::NoTrainingPair {
            detail: format!("candidate {id:?} has no outcome in any source"),
        })
    };
    let columns: Vec<usize> =
        facts.candidates.iter().map(|c| column(&c.id)).collect::<Result<_, _>>()?;
    let draft = draft(recipe, prepared, trained, chosen, &columns)?;

    // A win rate does not depend on the calibration, so one router serves all that follows.
    let router = draft.router()?;
    let calibration = calibration(&router, &prepared.calibration)?;
    let rates = win_rates(&router, &prepared.test)?;
    let routed = routed_rows(&prepared.test, &rates, &facts.strong, &facts.weak)?;
    let evaluation = eval::evaluate(&routed)?;
    let disagreement = verify::compare(
        trained,
        &router,
        &prepared.test,
        &rates,
        column(&facts.strong)?,
        column(&facts.weak)?,
        calibration.threshold_at_share(0.5),
    )?;
    let rows = table(recipe, prepared, &router, &routed, &evaluation)?;
    let bundle = draft.with_calibration(calibration).with_metrics(metrics(prepared, &evaluation));
    Ok(Finished { bundle, rows, disagreement, evaluation })
}

fn draft(
    recipe: &RecipeFile,
    prepared: &Prepared,
    trained: &Trained,
    chosen: &ChosenDevice,
    columns: &[usize],
) -> Result<BundleDraft, TrainerError> {
    let facts = &recipe.recipe;
    let model = static_router::graph(&trained.router, columns)?;
    let [features, _] = trained.router.parameters.get("projection").dims();
    let stated = BundleFacts {
        name: facts.name.clone(),
        kind: facts.kind.clone(),
        candidates: facts.candidates.clone(),
        encoder: EncoderInfo {
            tier: facts.encoder.tier.clone(),
            max_tokens: facts.encoder.max_tokens,
            truncation_side: TruncationSide::Right,
            pooling: "sum / sqrt(tokens), with length".into(),
            embedding_size: features,
            special_tokens: false,
            source: Some(facts.encoder.source.clone()),
        },
        head: Head {
            strong: Some(facts.strong.clone()),
            weak: Some(facts.weak.clone()),
            default_strong_share: Some(facts.default_strong_share),
        },
        trained_on: prepared.sources.clone(),
        provenance: Provenance {
            trainer: env!("CARGO_PKG_VERSION").into(),
            recipe: facts.name.clone(),
            recipe_sha256: recipe.sha256.clone(),
            seed: facts.seed,
            device: chosen.description.clone(),
            licence: facts.licence.clone(),
        },
    };
    Ok(BundleDraft::new(stated, model, trained.tokenizer_json.clone()))
}

fn calibration(router: &Router, sample: &Outcomes) -> Result<Calibration, TrainerError> {
    let rates = win_rates(router, sample)?;
    Ok(calibrate(&rates, "queries held back from the recipe's sources")?)
}

fn metrics(prepared: &Prepared, evaluation: &Evaluation) -> Vec<Metric> {
    let percent = 100.0;
    [
        ("apgr", evaluation.apgr),
        ("cpt50", evaluation.cpt50 * percent),
        ("cpt80", evaluation.cpt80 * percent),
    ]
    .into_iter()
    .map(|(metric, value)| Metric {
        dataset: prepared.benchmark.clone(),
        metric: metric.into(),
        value,
        rows: evaluation.rows as u64,
        removed_as_leaks: prepared.test_leaks as u64,
        held_out: true,
    })
    .collect()
}

/// The router's row, the baselines' and the published ones.
fn table(
    recipe: &RecipeFile,
    prepared: &Prepared,
    router: &Router,
    routed: &[RoutedRow],
    evaluation: &Evaluation,
) -> Result<Vec<MetricRow>, TrainerError> {
    let facts = &recipe.recipe;
    let (set, leaks) = (prepared.benchmark.as_str(), prepared.test_leaks);
    let lengths: Vec<usize> = prepared.test.rows.iter().map(|r| r.query.chars().count()).collect();
    let random = baselines::random(routed, RANDOM_DRAWS, facts.seed)?;
    let length = baselines::query_length(routed, &lengths)?;
    let neighbours = neighbours(recipe, prepared, router, routed)?;
    let oracle = baselines::oracle(routed)?;
    let mut rows = vec![
        MetricRow::measured(&format!("{} (int8)", facts.kind), set, leaks, evaluation),
        MetricRow::baseline("random", set, leaks, &random),
        MetricRow::measured("query length", set, leaks, &length),
        MetricRow::measured(
            &format!("kNN, k = {NEIGHBOURS}, same embeddings"),
            set,
            leaks,
            &neighbours,
        ),
        MetricRow::measured("oracle", set, leaks, &oracle),
        MetricRow::fixed("always weak", set, leaks, &baselines::always_weak(routed)?),
        MetricRow::fixed(
            "always strong (best single)",
            set,
            leaks,
            &baselines::always_strong(routed)?,
        ),
    ];
    rows.extend(eval::published::routellm_mmlu());
    Ok(rows)
}

fn neighbours(
    recipe: &RecipeFile,
    prepared: &Prepared,
    router: &Router,
    routed: &[RoutedRow],
) -> Result<Evaluation, TrainerError> {
    let embed = |outcomes: &Outcomes| -> Result<Vec<Vec<f32>>, TrainerError> {
        let embed = |query: &str| Ok(router.embed(&Query::new(query)?)?);
        outcomes.rows.par_iter().map(|row| embed(&row.query)).collect()
    };
    let facts = &recipe.recipe;
    let pair = prepared.gold.model_index(&facts.strong).zip(prepared.gold.model_index(&facts.weak));
    let labelled: Vec<Neighbour> = embed(&prepared.gold)?
        .into_iter()
        .zip(&prepared.gold.rows)
        .filter_map(|(embedding, row)| {
            let (strong, weak) = pair?;
            let gain = f64::from(row.score(strong)? - row.score(weak)?);
            Some(Neighbour { embedding, gain })
        })
        .collect();
    let by_neighbours = nearest_neighbours(routed, &embed(&prepared.test)?, &labelled, NEIGHBOURS);
    Ok(eval::evaluate(&by_neighbours)?)
}

/// The report in Markdown.
#[must_use]
pub fn report(recipe: &RecipeFile, prepared: &Prepared, finished: &Finished) -> String {
    let facts = &recipe.recipe;
    let mut text = format!("# Run `{}`\n\n", facts.name);
    let _ = writeln!(
        text,
        "Strong `{}`, weak `{}`, seed {}. Measured on the exported int8 bundle.\n",
        facts.strong, facts.weak, facts.seed
    );
    text.push_str(&eval::table::markdown(&finished.rows));
    text.push_str("\n## Trained on\n\n| source | rows | removed as leaks | licence |\n| --- | --- | --- | --- |\n");
    for source in &prepared.sources {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            source.name, source.rows, source.removed_as_leaks, source.licence
        );
    }
    let d = &finished.disagreement;
    let _ = writeln!(
        text,
        "\n## Float against int8\n\n{} queries: win rates differ by {:.5} on average and {:.5} at \
         most; {:.2} % of decisions change at the calibrated half.",
        d.queries,
        d.mean,
        d.largest,
        d.changed * 100.0
    );
    text
}
