//! Sources to what a run trains on, calibrates with and is scored on.
//!
//! The gold source's rows that are not drawn for training are the evaluation. Every training row
//! whose question stands anywhere in the gold source is removed, whatever source it came from and
//! whatever its answer options look like; then the share of each source that its recipe states is
//! held back for calibration. Counts of all that are kept, since a table that hides them is worth
//! little.

use std::collections::HashMap;
use std::path::Path;

use switchyard_router::Source;

use crate::data::{
    self, Format, OutcomeRow, Outcomes, ReadOptions, Stems, remove_duplicates, remove_leaks,
    routellm_mmlu, split_rows,
};
use crate::error::TrainerError;
use crate::recipe::{Recipe, Role, SourceRecipe};

/// What a run works on.
#[derive(Debug)]
pub struct Prepared {
    /// Rows to train on; `models` name every LLM of every source.
    pub train: Outcomes,
    /// Weight of each training row in the loss.
    pub weights: Vec<f32>,
    /// For each training row of the gold source, the target of strong over weak in [0, 1],
    /// smoothed over its category.
    pub labels: Vec<Option<f32>>,
    /// Queries without labels: they count for token frequencies alone.
    pub corpus: Outcomes,
    /// Rows held back for calibration, never trained on.
    pub calibration: Outcomes,
    /// Rows to score: the gold source's rest.
    pub test: Outcomes,
    /// Gold rows trained on, for baselines that need labels.
    pub gold: Outcomes,
    /// What was read and removed, source by source.
    pub sources: Vec<Source>,
    /// Evaluation rows removed because a training row asks the same question.
    pub test_leaks: usize,
    /// The gold source's name.
    pub benchmark: String,
    /// SHA-256 over the sources' own.
    pub sha256: String,
}

/// Reads every source of a recipe below `folder`.
///
/// # Errors
/// [`TrainerError::Data`], naming the file; [`TrainerError::NoTrainingPair`].
pub fn prepare(recipe: &Recipe, folder: &Path, skip_bad: bool) -> Result<Prepared, TrainerError> {
    let options = ReadOptions { skip_bad };
    let mut hashes = String::new();
    let mut load = |source: &SourceRecipe| -> Result<(Outcomes, String), TrainerError> {
        let format = source.format.as_deref().map(Format::from_name).transpose()?;
        let loaded = data::read(&folder.join(&source.path), format, &options)?;
        if loaded.bad_count > 0 {
            eprintln!("{}: {} bad rows left out", source.name, loaded.bad_count);
        }
        let mut outcomes = loaded.outcomes;
        for model in &mut outcomes.models {
            *model = recipe.canonical(model).to_owned();
        }
        outcomes.rows.retain(|row| !source.without.iter().any(|w| row.dataset.starts_with(w)));
        if let Some(list) = &source.contaminated {
            let prompts = routellm_mmlu::contaminated_prompts(&folder.join(list))?;
            outcomes = routellm_mmlu::remove_contaminated(&outcomes, &prompts).0;
        }
        hashes.push_str(&loaded.sha256);
        Ok((outcomes, loaded.sha256))
    };

    let gold_source = recipe.sources.iter().find(|s| s.role == Role::Gold).ok_or_else(|| {
        TrainerError::NoTrainingPair { detail: "the recipe has no gold source".into() }
    })?;
    let (gold_all, gold_sha256) = load(gold_source)?;
    let take = gold_source.take.unwrap_or_default();
    let (drawn, rest) = split_rows(gold_all.rows.len(), take, recipe.seed);
    let (gold, _) = remove_duplicates(&gold_all.select(&drawn));
    let (test, test_leaks) = remove_leaks(&gold_all.select(&rest), &Stems::from_outcomes(&gold));
    let benchmark_stems = Stems::from_outcomes(&gold_all);

    let mut prepared = Prepared {
        train: Outcomes::default(),
        weights: Vec::new(),
        labels: Vec::new(),
        corpus: Outcomes::default(),
        calibration: Outcomes::default(),
        test,
        gold: gold.clone(),
        sources: Vec::new(),
        test_leaks,
        benchmark: gold_source.name.clone(),
        sha256: String::new(),
    };
    prepared.add(recipe, gold_source, gold, gold_sha256, 0);
    let mut seen = benchmark_stems;
    for source in recipe.sources.iter().filter(|s| s.role != Role::Gold) {
        let (outcomes, sha256) = load(source)?;
        let (outcomes, _) = remove_duplicates(&outcomes);
        let (outcomes, leaks) = remove_leaks(&outcomes, &seen);
        seen.extend(&outcomes);
        prepared.add(recipe, source, outcomes, sha256, leaks);
    }
    prepared.sha256 = switchyard_router::sha256_hex(hashes.as_bytes());
    match prepared.train.rows.is_empty() {
        false => Ok(prepared),
        true => Err(TrainerError::NoTrainingPair { detail: "no row is left to train on".into() }),
    }
}

impl Prepared {
    fn add(
        &mut self,
        recipe: &Recipe,
        source: &SourceRecipe,
        outcomes: Outcomes,
        sha256: String,
        leaks: usize,
    ) {
        let rows = outcomes.rows.len();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss
        )]
        let held = (rows as f64 * source.calibration_share).round() as usize;
        let (calibration, train) = split_rows(rows, held, recipe.seed ^ 0x5ca1e);
        self.sources.push(Source {
            name: source.name.clone(),
            rows: train.len() as u64,
            licence: source.licence.clone(),
            sha256: Some(sha256),
            removed_as_leaks: leaks as u64,
        });
        let train = outcomes.select(&train);
        self.calibration.append(outcomes.select(&calibration));
        if source.role == Role::Corpus {
            self.corpus.append(train);
            return;
        }
        self.weights.extend(std::iter::repeat_n(source.weight, train.rows.len()));
        self.labels.extend(match source.role {
            Role::Gold => smoothed_labels(recipe, source, &train),
            Role::Auxiliary | Role::Corpus => vec![None; train.rows.len()],
        });
        self.train.append(train);
    }
}

/// Targets of strong over weak, each drawn towards the mean of its category:
///
/// ```text
/// y_i = (1 + strong_i - weak_i) / 2
/// m_c = (sum of y in c + prior * mean of y) / (rows of c + prior)
/// label_i = (1 - smoothing) * y_i + smoothing * m_c
/// ```
/// One row's outcome is mostly chance, its subject's mean is not: with some thousand labels the
/// smoothed ones teach more. The categories of the rows to score play no part.
fn smoothed_labels(recipe: &Recipe, source: &SourceRecipe, gold: &Outcomes) -> Vec<Option<f32>> {
    let pair = gold.model_index(&recipe.strong).zip(gold.model_index(&recipe.weak));
    let targets: Vec<Option<f32>> = gold
        .rows
        .iter()
        .map(|row| {
            let (strong, weak) = pair?;
            Some(f32::midpoint(1.0, row.score(strong)? - row.score(weak)?))
        })
        .collect();
    let mut all = Mean::default();
    let mut by_category: HashMap<&str, Mean> = HashMap::new();
    for (row, target) in gold.rows.iter().zip(&targets) {
        if let Some(target) = *target {
            all.add(target);
            if let Some(category) = &row.category {
                by_category.entry(category).or_default().add(target);
            }
        }
    }
    let overall = all.shrunk(0.0, 0.0);
    let label = |row: &OutcomeRow, target: f32| {
        let category = row.category.as_deref().and_then(|c| by_category.get(c));
        let mean = category.map_or(target, |c| c.shrunk(overall, source.category_prior));
        target + source.category_smoothing * (mean - target)
    };
    gold.rows.iter().zip(targets).map(|(row, target)| Some(label(row, target?))).collect()
}

#[derive(Default)]
struct Mean {
    sum: f32,
    count: f32,
}

impl Mean {
    fn add(&mut self, value: f32) {
        self.sum += value;
        self.count += 1.0;
    }

    fn shrunk(&self, towards: f32, prior: f32) -> f32 {
        (self.sum + prior * towards) / (self.count + prior).max(f32::MIN_POSITIVE)
    }
}
