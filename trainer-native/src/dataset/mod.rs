//! Turns the sources of a recipe into the rows that a run trains on, calibrates with and is scored
//! on.
//!
//! The evaluation is the gold source's rows that were not drawn for training, or else the sources
//! of role `test`. Every training row whose question stands anywhere in the gold source is removed,
//! whatever source it came from and whatever its answer options look like; then the share of each
//! source that its recipe states is held back for calibration. Counts of all removals are kept and
//! reported.
//!
//! Outcomes are held in memory, preferences are streamed ([`Prepared::for_each_preference`]).
//!
//! Labels of queries are scaled source by source ([`LabelledQuery`]). A source of labels or prompts of
//! role `corpus` gives its queries alone, one of role `held` the questions to keep out.

mod difficulty_labels;
mod gold;
mod labels;
mod preferences;
mod source;

use std::path::Path;

use pointsman::{Source, sha256_hex};
use pointsman_inputs::data_files;

use crate::data::{
    Format, LabelRow, LoadedLabels, Outcomes, ReadOptions, Stems, Table, remove_duplicates,
    remove_leaks, split_rows,
};
use crate::error::TrainerError;
use crate::recipe::{Pair, Recipe, Role, SourceRecipe};
use difficulty_labels::{scaled, unlabelled};
use gold::{GoldQuestions, split_gold};
use labels::smoothed_labels;
use source::{LoadedSource, format_of, load, load_labels, load_queries, wanted, without_labels};

pub use difficulty_labels::LabelledQuery;
pub use preferences::PreferenceFile;
pub use source::{needs_of, outcomes_of};

#[derive(Debug, Clone)]
pub struct Prepared {
    /// The strong and the weak candidate, where the recipe names them.
    pub pair: Option<Pair>,
    /// Outcome rows to train on; `models` name every LLM of every outcome source.
    pub train: Outcomes,
    /// Weight of each of these rows in the loss.
    pub weights: Vec<f32>,
    /// Index of each of these rows' source in [`sources`](Self::sources).
    pub source_of: Vec<usize>,
    /// For each of these rows that is gold, the target of strong over weak in [0, 1], smoothed over
    /// its category.
    pub labels: Vec<Option<f32>>,
    /// Preferences to train on, on disk.
    pub preferences: Vec<PreferenceFile>,
    /// Queries with how hard they are, of the auxiliary sources that hold labels.
    pub difficulty_labels: Vec<LabelledQuery>,
    /// Queries without labels: they only count towards token frequencies.
    pub corpus: Outcomes,
    /// Weight of each corpus query, where a teacher labels it.
    pub corpus_weights: Vec<f32>,
    /// Queries held back for calibration, never trained on.
    pub calibration: Vec<String>,
    /// Rows to score.
    pub test: Outcomes,
    /// Gold rows trained on, for baselines that need labels.
    pub gold: Outcomes,
    /// Counts of what was read and removed, source by source.
    pub sources: Vec<Source>,
    /// Evaluation rows removed because a training row asks the same question.
    pub test_leaks: usize,
    pub benchmark: String,
    pub benchmark_format: Format,
    pub benchmark_sha256: String,
    /// SHA-256 over the hashes of the sources, and of the teacher where there is one.
    pub sha256: String,
    /// Every question of the gold source and of the sources with role `held`: of these only the
    /// drawn gold rows are trained on.
    held: Stems,
}

/// Checks that every path of a recipe's sources is below `folder`.
///
/// # Errors
/// [`TrainerError::MissingData`], listing all that are missing and where each comes from.
pub fn require_files(recipe: &Recipe, folder: &Path) -> Result<(), TrainerError> {
    let paths = recipe.sources.iter().flat_map(SourceRecipe::paths);
    data_files::require(folder, paths)
        .map_err(|detail| TrainerError::MissingData { folder: folder.to_owned(), detail })
}

/// Reads every source of a recipe below `folder`.
///
/// # Errors
/// [`TrainerError::MissingData`]; [`TrainerError::Data`], naming the file;
/// [`TrainerError::BadRecipe`]; [`TrainerError::NoTrainingData`].
pub fn prepare(recipe: &Recipe, folder: &Path, skip_bad: bool) -> Result<Prepared, TrainerError> {
    require_files(recipe, folder)?;
    let options = ReadOptions { skip_bad };
    let gold_source = recipe.sources.iter().find(|s| s.role == Role::Gold);
    let Gold { loaded, all: gold_all, drawn: gold, rest, test_leaks } = match gold_source {
        Some(source) => Gold::read(recipe, source, folder, &options)?,
        None => Gold::default(),
    };
    let mut scored = Scored { outcomes: rest, ..Scored::default() };
    for source in recipe.sources.iter().filter(|s| s.role == Role::Test) {
        scored.add(source, load(recipe, source, folder, &options)?);
    }
    let (gold, gold_leaks) = remove_leaks(&gold, &scored.questions);
    let mut prepared = Prepared {
        pair: recipe.pair.clone(),
        train: Outcomes::default(),
        weights: Vec::new(),
        source_of: Vec::new(),
        labels: Vec::new(),
        preferences: Vec::new(),
        difficulty_labels: Vec::new(),
        corpus: Outcomes::default(),
        corpus_weights: Vec::new(),
        calibration: Vec::new(),
        test: scored.outcomes,
        gold: gold.clone(),
        sources: Vec::new(),
        test_leaks,
        benchmark: scored.name.or(gold_source.map(|s| s.name.clone())).unwrap_or_default(),
        benchmark_format: scored.format.or(loaded.format).unwrap_or(Format::OutcomesJsonl),
        benchmark_sha256: match scored.sha256.is_empty() {
            true => loaded.sha256.clone(),
            false => sha256_hex(scored.sha256.as_bytes()),
        },
        sha256: String::new(),
        held: scored.questions,
    };
    prepared.held.extend(&gold_all);
    if let Some(source) = gold_source {
        prepared.add(recipe, source, gold, loaded.sha256.clone(), gold_leaks);
    }
    let gold_questions = GoldQuestions::of(&prepared.train);
    let mut companions = Vec::new();
    let mut hashes = loaded.sha256 + &scored.sha256;
    for source in recipe.sources.iter().filter(|s| s.role == Role::Held) {
        let format = format_of(source, folder)?;
        if format.table() == Table::Labels {
            let loaded = load_labels(source, folder, format, &options)?;
            loaded.rows.iter().for_each(|row| _ = prepared.held.insert(&row.query));
            hashes += &loaded.sha256;
            continue;
        }
        let loaded = load_queries(recipe, source, folder, format, &options)?;
        prepared.held.extend(&loaded.outcomes);
        hashes += &loaded.sha256;
    }
    let mut seen = prepared.held.clone();
    let others = |role: Role| matches!(role, Role::Auxiliary | Role::Corpus);
    for source in recipe.sources.iter().filter(|s| others(s.role)) {
        let format = format_of(source, folder)?;
        match format.table() {
            Table::Preferences => {
                hashes += &prepared.add_preferences(recipe, source, folder, format, &options)?;
                continue;
            }
            Table::Labels => {
                let loaded = load_labels(source, folder, format, &options)?;
                hashes += &loaded.sha256;
                prepared.add_labels(recipe, source, loaded, &mut seen)?;
                continue;
            }
            Table::Prompts if source.role != Role::Corpus => {
                return Err(without_labels(recipe, source));
            }
            Table::Outcomes | Table::Prompts => {}
        }
        let loaded = load_queries(recipe, source, folder, format, &options)?;
        let answers = gold_questions.companions(&loaded.outcomes);
        if gold_source.is_some_and(|gold| gold.expected_share > 0.0) {
            eprintln!("{}: answers to {} gold questions", source.name, answers.scores.len());
        }
        companions.push(answers);
        let outcomes = wanted(source, loaded.outcomes);
        let (outcomes, _) = remove_duplicates(&outcomes);
        let (outcomes, leaks) = remove_leaks(&outcomes, &seen);
        seen.extend(&outcomes);
        hashes += &loaded.sha256;
        prepared.add(recipe, source, outcomes, loaded.sha256, leaks);
    }
    prepared.sha256 = sha256_hex(hashes.as_bytes());
    // The gold rows stand first among those to train on.
    let gold = prepared.train.select(&(0..gold_questions.rows).collect::<Vec<_>>());
    let pair = recipe.pair.as_ref().and_then(|pair| columns(pair, &gold));
    if let Some(source) = gold_source {
        let labels = smoothed_labels(pair, source, &gold, &companions)?;
        prepared.labels.iter_mut().zip(labels).for_each(|(slot, label)| *slot = label);
    }
    let unlabelled = prepared.train.rows.is_empty() && prepared.preferences.is_empty();
    match unlabelled && prepared.difficulty_labels.is_empty() {
        false => Ok(prepared),
        true => Err(TrainerError::NoTrainingData { detail: "no row is left to train on".into() }),
    }
}

/// What a row of a source of `count` rows weighs, so that the source weighs as `most` rows at most.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn share_up_to(count: usize, most: usize) -> f64 {
    most as f64 / count.max(most) as f64
}

/// The gold source: what is drawn of it to train on, and the rest.
#[derive(Default)]
struct Gold {
    loaded: GoldFile,
    all: Outcomes,
    drawn: Outcomes,
    rest: Outcomes,
    test_leaks: usize,
}

/// What identifies the file of the gold source.
#[derive(Default)]
struct GoldFile {
    format: Option<Format>,
    sha256: String,
}

impl Gold {
    fn read(
        recipe: &Recipe,
        source: &SourceRecipe,
        folder: &Path,
        options: &ReadOptions,
    ) -> Result<Self, TrainerError> {
        let LoadedSource { outcomes, format, sha256 } = load(recipe, source, folder, options)?;
        let all = wanted(source, outcomes);
        let needed: Vec<&String> = match &recipe.pair {
            Some(pair) => vec![&pair.strong, &pair.weak],
            None => recipe.candidates.iter().map(|candidate| &candidate.id).collect(),
        };
        for id in needed {
            if all.model_index(id).is_none() {
                return Err(TrainerError::NoTrainingData {
                    detail: format!(
                        "{} has no column {id:?}; it has {}. Name the column in [aliases]",
                        source.name,
                        all.models.join(", ")
                    ),
                });
            }
        }
        let (drawn, rest) = split_gold(recipe, source, &all)?;
        let (drawn, _) = remove_duplicates(&all.select(&drawn));
        let (rest, test_leaks) = remove_leaks(&all.select(&rest), &Stems::from_outcomes(&drawn));
        let loaded = GoldFile { format: Some(format), sha256 };
        Ok(Self { loaded, all, drawn, rest, test_leaks })
    }
}

/// The rows to score, where sources of role `test` hold them.
#[derive(Default)]
struct Scored {
    outcomes: Outcomes,
    questions: Stems,
    /// Name of the first such source.
    name: Option<String>,
    format: Option<Format>,
    /// The sources' hashes, one after the other.
    sha256: String,
}

impl Scored {
    fn add(&mut self, source: &SourceRecipe, loaded: LoadedSource) {
        let outcomes = wanted(source, loaded.outcomes);
        self.questions.extend(&outcomes);
        self.outcomes.append(outcomes);
        self.name.get_or_insert_with(|| source.name.clone());
        self.format.get_or_insert(loaded.format);
        self.sha256 += &loaded.sha256;
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
        let (calibration, train) = self.divide(recipe, source, outcomes.rows.len(), sha256, leaks);
        let train = outcomes.select(&train);
        self.calibration.extend(outcomes.select(&calibration).rows.into_iter().map(|r| r.query));
        if source.role == Role::Corpus {
            self.corpus_weights.extend(std::iter::repeat_n(source.weight, train.rows.len()));
            self.corpus.append(train);
            return;
        }
        self.weights.extend(std::iter::repeat_n(source.weight, train.rows.len()));
        self.source_of.extend(std::iter::repeat_n(self.sources.len() - 1, train.rows.len()));
        self.labels.extend(vec![None; train.rows.len()]);
        self.train.append(train);
    }

    /// Draws the rows of a source to calibrate with and those to train on, and counts the latter.
    fn divide(
        &mut self,
        recipe: &Recipe,
        source: &SourceRecipe,
        rows: usize,
        sha256: String,
        leaks: usize,
    ) -> (Vec<usize>, Vec<usize>) {
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
        (calibration, train)
    }

    /// Adds the labels of a source, those of questions in `seen` left out.
    fn add_labels(
        &mut self,
        recipe: &Recipe,
        source: &SourceRecipe,
        loaded: LoadedLabels,
        seen: &mut Stems,
    ) -> Result<(), TrainerError> {
        let is_need = loaded.format == Format::NeedJsonl;
        let mut own = Stems::default();
        let mut rows = loaded.rows;
        rows.retain(|row| own.insert(&row.query));
        let distinct = rows.len();
        rows.retain(|row| !seen.contains(&row.query));
        rows.iter().for_each(|row| _ = seen.insert(&row.query));
        let leaks = distinct - rows.len();
        let (calibration, train) = self.divide(recipe, source, rows.len(), loaded.sha256, leaks);
        let select = |at: &usize| rows.get(*at).cloned();
        self.calibration.extend(calibration.iter().filter_map(select).map(|row| row.query));
        let train: Vec<LabelRow> = train.iter().filter_map(select).collect();
        if source.role == Role::Corpus {
            self.corpus_weights.extend(std::iter::repeat_n(source.weight, train.len()));
            self.corpus.rows.extend(train.into_iter().map(unlabelled));
            return Ok(());
        }
        if !recipe.head.learns_labels() {
            eprintln!(
                "{}: {} labels, from which kind {:?} does not learn: only their texts count, as \
                 those of a corpus",
                source.name,
                train.len(),
                recipe.head.kind().name()
            );
        }
        let at = self.sources.len() - 1;
        self.difficulty_labels.extend(scaled(&source.name, train, source.weight, (at, is_need))?);
        Ok(())
    }

    /// Columns of the pair among the models to train on; `None` unless both are there.
    #[must_use]
    pub fn pair_columns(&self) -> Option<(usize, usize)> {
        columns(self.pair.as_ref()?, &self.train)
    }

    /// Target of strong over weak in [0, 1] for each outcome row to train on that has one: its
    /// label, or else the target that the scores of the pair give.
    #[must_use]
    pub fn pair_targets(&self) -> Vec<Option<f32>> {
        let pair = self.pair_columns();
        let rows = self.train.rows.iter().zip(&self.labels);
        rows.map(|(row, label)| {
            label.or_else(|| {
                let (strong, weak) = pair?;
                Some(f32::midpoint(1.0, row.score(strong)? - row.score(weak)?))
            })
        })
        .collect()
    }

    /// Visits the text of every query to train on, those with labels included, and of the corpus.
    ///
    /// # Errors
    /// [`TrainerError::Data`], and what `visit` returns.
    pub fn for_each_query(
        &self,
        visit: &mut dyn FnMut(&str) -> Result<(), TrainerError>,
    ) -> Result<(), TrainerError> {
        for row in self.train.rows.iter().chain(&self.corpus.rows) {
            visit(&row.query)?;
        }
        for labelled in &self.difficulty_labels {
            visit(&labelled.query)?;
        }
        self.for_each_preference(&mut |row| visit(&row.query))
    }
}

/// Columns of a pair among the models of a table; `None` unless it has both.
fn columns(pair: &Pair, outcomes: &Outcomes) -> Option<(usize, usize)> {
    outcomes.model_index(&pair.strong).zip(outcomes.model_index(&pair.weak))
}

#[cfg(test)]
mod tests;
