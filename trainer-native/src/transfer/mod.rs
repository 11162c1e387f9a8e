//! Evaluates a recipe of kind `difficulty` by transfer: each source of outcomes is left out of training in
//! turn, and the router ranks its queries.
//!
//! A source is left out as one of role `held` is: none of its questions is trained on, whatever source they
//! stand in. The encoder is made once from all of the recipe's texts, without their labels, so that the
//! texts are embedded once; each fit trains only the head. Pairs of the source's own LLMs, none of which the
//! router knows, are then scored by RouteLLM's protocol ([`pair::build`]), where the router's win rate of its own
//! pair orders the queries. Beside it stand query length, random, oracle, the k nearest of the queries that
//! the router learnt difficulty from, and the same head fitted to the source itself, each fifth of the
//! questions by a fit on the others. A source of role `test` or `held`, which the recipe keeps apart, is scored
//! in the same way by a fit on all others.
//!
//! Graded needs that the recipe trains on are held back by whole writers, or by shared text, and rated by fits
//! without them.

mod llm_pairs;
mod needs;
mod ranker;

use std::path::Path;

use crate::data::{DataError, Outcomes, dealt_folds};
use crate::dataset::{self, Prepared};
use crate::encoder::Encoder;
use crate::error::TrainerError;
use crate::eval::pair::published::PairKind;
use crate::eval::pair::{self, PairColumn, PairModels, PairSettings};
use crate::eval::transfer::{PairTransfer, SourceTransfer};
use crate::eval::{Benchmark, Entry, EvalError, Origin, TransferResult, bootstrap};
use crate::recipe::{Recipe, Role, SourceRecipe};
use crate::training::context::Context;
use llm_pairs::{LlmPair, llm_pairs};
use ranker::{NEIGHBOURS, Ranker};

/// Folds of questions by which the head of the source itself is cross-validated, and of needs.
const FOLDS: usize = 5;
/// Fewest questions of a source to score.
const FEWEST_QUESTIONS: usize = 20;

/// Evaluates the recipe of `context` on each of its sources of outcomes; `encoder` is the run's, `folder`
/// holds the data.
///
/// # Errors
/// [`TrainerError::BadRecipe`] for a kind without demands and a recipe without a pair;
/// [`TrainerError::NothingToScore`] where the recipe has neither outcomes nor graded needs; those of the
/// data, the engine and the evaluation; [`TrainerError::Interrupted`]: what is embedded by then is kept. A source
/// that cannot be scored is no error, its notes say why.
pub fn leave_one_source_out(
    context: &Context<'_>,
    encoder: &Encoder,
    folder: &Path,
    skip_bad: bool,
    bootstrap: bootstrap::Settings,
) -> Result<TransferResult, TrainerError> {
    let recipe = context.recipe;
    let ranker = Ranker::new(context, encoder)?;
    let mut result = TransferResult {
        recipe: recipe.name.clone(),
        recipe_sha256: context.recipe_sha256.to_owned(),
        data_sha256: context.data.sha256.clone(),
        tier: recipe.encoder.tier().to_owned(),
        training_seed: recipe.seed,
        bootstrap,
        sources: Vec::new(),
        needs: Vec::new(),
    };
    let sources: Vec<&SourceRecipe> =
        recipe.sources.iter().filter(|source| source.role != Role::Corpus).collect();
    for (at, source) in sources.iter().enumerate() {
        let Some(outcomes) = dataset::outcomes_of(recipe, source, folder, skip_bad)? else {
            continue;
        };
        eprintln!("source {} of {}: {}", at + 1, sources.len(), source.name);
        let mut found = SourceTransfer {
            source: source.name.clone(),
            is_kept_apart: matches!(source.role, Role::Test | Role::Held),
            rows: outcomes.rows.len(),
            llms: llm_count(&outcomes),
            trained_on: 0,
            pairs: Vec::new(),
            notes: Vec::new(),
        };
        let scored = match not_scored(&found) {
            Some(reason) => Err(TrainerError::NothingToScore { detail: reason }),
            None if found.is_kept_apart => {
                score(&ranker, context.data, &outcomes, &mut found, bootstrap)
            }
            None => dataset::prepare(&without(recipe, source), folder, skip_bad)
                .and_then(|data| score(&ranker, &data, &outcomes, &mut found, bootstrap)),
        };
        match scored {
            Ok(()) => {}
            Err(
                TrainerError::NothingToScore { detail } | TrainerError::NoTrainingData { detail },
            ) => found.notes.push(format!("not scored: {detail}")),
            // Labels that the source's own questions leave with one value.
            Err(TrainerError::Data(error @ DataError::LabelsConstant { .. })) => {
                found.notes.push(format!("not scored: {error}"));
            }
            Err(error) => return Err(error),
        }
        found.notes.iter().for_each(|note| eprintln!("{}: {note}", source.name));
        result.sources.push(found);
    }
    for source in recipe.sources.iter().filter(|source| source.role == Role::Auxiliary) {
        let Some(rows) = dataset::needs_of(source, folder, skip_bad)? else { continue };
        eprintln!("needs of {}", source.name);
        result.needs.extend(needs::correlations(&ranker, &source.name, &rows, bootstrap)?);
    }
    if result.sources.is_empty() && result.needs.is_empty() {
        let detail = "the recipe has neither a source of outcomes nor one of graded needs".into();
        return Err(TrainerError::NothingToScore { detail });
    }
    Ok(result)
}

/// The recipe with one source held out.
fn without(recipe: &Recipe, left_out: &SourceRecipe) -> Recipe {
    let mut recipe = recipe.clone();
    for source in recipe.sources.iter_mut().filter(|source| *source == left_out) {
        source.role = Role::Held;
    }
    recipe
}

fn llm_count(outcomes: &Outcomes) -> usize {
    let answered = |model: &usize| outcomes.rows.iter().any(|row| row.score(*model).is_some());
    (0..outcomes.models.len()).filter(answered).count()
}

fn not_scored(source: &SourceTransfer) -> Option<String> {
    if source.llms < 2 {
        return Some(format!("found {} LLMs with outcomes, expected at least 2", source.llms));
    }
    (source.rows < FEWEST_QUESTIONS)
        .then(|| format!("found {} questions, expected at least {FEWEST_QUESTIONS}", source.rows))
}

/// Scores the pairs of LLMs of a source by a router trained on `data`, which holds none of its questions.
fn score(
    ranker: &Ranker<'_>,
    data: &Prepared,
    outcomes: &Outcomes,
    found: &mut SourceTransfer,
    bootstrap: bootstrap::Settings,
) -> Result<(), TrainerError> {
    let (pairs, notes) = llm_pairs(outcomes);
    found.notes.extend(notes);
    if pairs.is_empty() {
        return Ok(());
    }
    let queries: Vec<&str> = outcomes.rows.iter().map(|row| row.query.as_str()).collect();
    let topics = ranker.topics(&queries)?;
    let mut rankings =
        vec![Order { router: ranker.entry(), values: ranker.win_rates(data, &queries)? }];
    let baseline = |name: &str, kind: &str| Entry::new(name, kind, Origin::Baseline, ());
    if let Some(values) = ranker.neighbours(data, &topics)? {
        let name = format!("kNN, k = {NEIGHBOURS}, same embeddings");
        rankings.push(Order { router: baseline(&name, "knn"), values });
    }
    let folds = dealt_folds(outcomes.rows.len(), FOLDS, bootstrap.seed);
    match ranker.of_source_itself(outcomes, (&folds, FOLDS))? {
        Some(values) => rankings
            .push(Order { router: baseline("same head, on this source", "difficulty"), values }),
        None => found.notes.push(
            "no head on the source itself: in a fold its LLMs found all queries alike".to_owned(),
        ),
    }
    found.trained_on = data.train.rows.len() + data.difficulty_labels.len();
    for pair in pairs {
        match result(&found.source, &pair, &rankings, bootstrap) {
            Ok(result) => found.pairs.push(PairTransfer::of(pair.pair, &pair.rows, &result)),
            Err(EvalError::NoGap { weak, strong }) => found.notes.push(format!(
                "{}: left out, its mean scores are {weak:.3} and {strong:.3} on the rows in common",
                pair.pair
            )),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The queries of a source in the order of a router or a baseline, a larger value for a harder one.
struct Order {
    router: Entry,
    values: Vec<f64>,
}

fn result(
    source: &str,
    pair: &LlmPair,
    orders: &[Order],
    bootstrap: bootstrap::Settings,
) -> Result<pair::PairResult, EvalError> {
    let column = |order: &Order| {
        let values: Vec<f64> =
            pair.at.iter().filter_map(|&row| order.values.get(row)).copied().collect();
        // An order without two different values is none.
        let varies = values.iter().any(|value| Some(value) != values.first());
        varies.then(|| PairColumn {
            router: order.router.clone(),
            win_rates: values,
            calibration: None,
        })
    };
    let columns: Vec<PairColumn> = orders.iter().filter_map(column).collect();
    let models = PairModels { weak: pair.weak.clone(), strong: pair.strong.clone() };
    let settings = PairSettings {
        qualities: Vec::new(),
        strong_shares: Vec::new(),
        bootstrap,
        ..PairSettings::default()
    };
    pair::build(&Benchmark::new(source, PairKind::Other), &models, &pair.rows, &columns, &settings)
}
