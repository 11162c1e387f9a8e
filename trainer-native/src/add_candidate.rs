//! Adds an LLM to a trained router: learns what the router knows of an LLM and leaves all else unchanged.
//!
//! | kind | what an LLM is |
//! | --- | --- |
//! | `routerdc` | an embedding, see below (`learn.rs`) |
//! | `cluster` | a column of means (`group_means.rs`) |
//! | `ridge` | a score that is linear in the query's embedding (`linear_score.rs`) |
//! | `knn` | its scores on the remembered queries (`memory_labels.rs`) |
//! | `sw-ranking` | an Elo group (`elo_group.rs`) |
//! | `difficulty` | an ability, which `trainer probe` fits ([`with_ability`]) |
//!
//! In a `routerdc` router:
//!
//! ```text
//! E(q)      embedding of the run's exported int8 encoder          fixed
//! k_t       embeddings of the known LLMs                          fixed
//! k_new     the run's own loss on rows that measured the new LLM beside a known one, over
//!           s = cos(E(q), [k_1 .. k_T, k_new]) / temperature      learnt
//! ```
//! The known LLMs' scores do not depend on k_new, so they keep their order on every query; their
//! qualities, mean win rates over all other LLMs, change with the number of LLMs. The sample-sample
//! loss does not depend on the LLMs and is left out; each data set is resampled to the recipe's
//! `samples` rows, as in the run. Where several LLMs have the same score and the loss takes only
//! some of them, they are drawn for each query: in the candidates' order the new LLM, which is the
//! last, would never be taken.
//!
//! k_new starts at the mean of the known directions: before any step, the new LLM is assumed to be
//! like the others.

mod elo_group;
mod group_means;
mod known_bundle;
mod learn;
mod linear_score;
mod memory_labels;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use pointsman::{Candidate, Kind, MEMORY_FILE, MODEL_FILE, Manifest, Router, Source, sha256_hex};

use crate::assess::{pool_column, pool_rows, qualities};
use crate::data::{Format, Outcomes, Stems, split_rows};
use crate::error::TrainerError;
use crate::eval::pool::rows::of_outcomes;
use crate::eval::pool::{self, PoolSettings};
use crate::eval::{Benchmark, Origin, Stored};
use crate::export::bundle::BundleDraft;
use crate::export::routerdc_graph;
use crate::recipe::{self, ClusterRecipe, HeadRecipe, Recipe, RidgeRecipe, RouterDcRecipe};
use crate::training::fine_tune;
use crate::verify::Disagreement;
use known_bundle::{Addition, KnownBundle};

/// Fewest rows that an LLM is learnt from; with fewer it would be chance.
pub const LEAST_ROWS: usize = 30;

/// A new LLM and the data it is learnt from.
#[derive(Debug)]
pub struct NewCandidate {
    pub candidate: Candidate,
    /// Outcomes of the new LLM and of some of the known ones.
    pub outcomes: Outcomes,
    pub format: Format,
    /// Source of the outcomes; the counts of rows and leaks are filled in here.
    pub source: Source,
    /// Outcomes to score on, in place of a share of `outcomes`. Rows that ask their questions are
    /// not learnt from.
    pub test: Option<Outcomes>,
    /// Share of `outcomes` to score on, in [0, 1), where `test` is absent.
    pub test_share: f64,
}

/// A router with one more LLM.
pub struct Extended {
    /// The int8 bundle, which ships.
    pub bundle: BundleDraft,
    /// The same router in float.
    pub float: BundleDraft,
    /// Scores of the router with and without the LLM, beside the baselines; `None` where no row is
    /// left to score.
    pub result: Option<Stored>,
    /// Difference between float and int8, on the scored queries, or else on those learnt from.
    pub disagreement: Disagreement,
    pub rows: usize,
}

/// A finished run of a kind that takes further LLMs, read from its folder.
pub struct KnownRun {
    folder: PathBuf,
    recipe: Recipe,
    settings: Learnt,
    int8: KnownBundle,
    float: KnownBundle,
}

/// What is learnt of an LLM, with the settings of the run's head.
enum Learnt {
    Embedding(RouterDcRecipe),
    GroupMeans(ClusterRecipe),
    LinearScore(RidgeRecipe),
    MemoryLabels,
    EloGroup,
}

/// Kinds to which an LLM can be added.
const KINDS: [Kind; 5] = [Kind::RouterDc, Kind::Cluster, Kind::Ridge, Kind::Knn, Kind::SwRanking];

/// What to do with a run of another kind.
fn remedy(kind: Kind) -> &'static str {
    match kind {
        Kind::Difficulty => {
            "A router of kind \"difficulty\" takes any LLM without training: fit its ability to its \
             outcomes with `pointsman fit-model` and name it among the host's candidates, or ask it the probe \
             set with `trainer probe`"
        }
        _ => {
            "Its LLMs are a pair, or were trained together, and a further one has no place. List the \
             LLM in a recipe and train that recipe, or train kind \"difficulty\", where `pointsman \
             fit-model` fits a new LLM's ability to its outcomes"
        }
    }
}

/// The rows of a call's data.
struct Rows {
    /// Places of the rows to learn from.
    learnt: Vec<usize>,
    /// How many rows were left out since a row to score asks the same.
    leaks: usize,
    /// Outcomes to score on.
    test: Outcomes,
}

/// The bundle in a folder, of kind `difficulty`, with one more LLM, which states its ability. Its pair stays.
///
/// # Errors
/// [`TrainerError::BadCandidate`] where the bundle has it already, is of another kind or it states no ability; those
/// of the engine; [`TrainerError::File`].
pub fn with_ability(
    folder: &Path,
    candidate: &Candidate,
    source: &Source,
) -> Result<BundleDraft, TrainerError> {
    let bundle = KnownBundle::read(folder)?;
    let bad = |detail| TrainerError::BadCandidate { model: candidate.id.clone(), detail };
    if bundle.router.kind() != Kind::Difficulty || candidate.ability.is_none() {
        let kind = &bundle.info().kind;
        return Err(bad(format!(
            "the bundle is of kind {kind:?}, expected \"difficulty\" and an ability"
        )));
    }
    check_new(bundle.info(), &candidate.id)?;
    let draft = bundle.with(&Addition::Ability, candidate, source)?;
    draft.router()?;
    Ok(draft)
}

/// Refuses an LLM that a bundle has already.
///
/// # Errors
/// [`TrainerError::BadCandidate`].
pub fn check_new(info: &Manifest, model: &str) -> Result<(), TrainerError> {
    match info.candidate_index(model) {
        None => Ok(()),
        Some(_) => Err(TrainerError::BadCandidate {
            model: model.to_owned(),
            detail: format!(
                "the router has it already; its candidates are {}",
                info.candidate_names()
            ),
        }),
    }
}

impl KnownRun {
    /// Reads the run in `folder`: its recipe and both bundles. `model` is for messages.
    ///
    /// # Errors
    /// [`TrainerError::BadCandidate`] where the run is of another kind; [`TrainerError::BadRecipe`];
    /// those of the engine; [`TrainerError::File`].
    pub fn read(folder: &Path, model: &str) -> Result<Self, TrainerError> {
        let path = folder.join("recipe.toml");
        let recipe = recipe::read(&path)?.recipe;
        let settings = match &recipe.head {
            HeadRecipe::RouterDc(settings) => Learnt::Embedding(settings.clone()),
            HeadRecipe::Cluster(settings) => Learnt::GroupMeans(settings.clone()),
            HeadRecipe::Ridge(settings) => Learnt::LinearScore(settings.clone()),
            HeadRecipe::Knn(_) => Learnt::MemoryLabels,
            HeadRecipe::SwRanking(_) => Learnt::EloGroup,
            head => {
                let (kind, names) = (head.kind(), KINDS.map(|kind| format!("{:?}", kind.name())));
                return Err(TrainerError::BadCandidate {
                    model: model.to_owned(),
                    detail: format!(
                        "{} is a run of kind {:?}, expected one of {}. {}",
                        folder.display(),
                        kind.name(),
                        names.join(", "),
                        remedy(kind)
                    ),
                });
            }
        };
        Ok(Self {
            settings,
            int8: KnownBundle::read(&folder.join("bundle"))?,
            float: KnownBundle::read(&folder.join("bundle-float"))?,
            folder: folder.to_owned(),
            recipe,
        })
    }

    /// The name used in this run for a model of a file.
    #[must_use]
    pub fn canonical<'a>(&'a self, model: &'a str) -> &'a str {
        self.recipe.canonical(model)
    }

    #[must_use]
    pub fn info(&self) -> &Manifest {
        self.int8.info()
    }

    /// Learns what the router knows of an LLM and adds it to both bundles. `place` is a folder for checkpoints:
    /// a call that was interrupted resumes from there.
    ///
    /// # Errors
    /// [`TrainerError::BadCandidate`] where the LLM is known already, was not measured, or on fewer
    /// than [`LEAST_ROWS`] rows, of kind `knn` rows whose question the memory holds; [`TrainerError::BadCheckpoint`] where `place` is another call's;
    /// [`TrainerError::Disagreement`]; those of the engine; [`TrainerError::Interrupted`].
    pub fn with_candidate(
        &self,
        new: NewCandidate,
        place: &Path,
        stop: &AtomicBool,
    ) -> Result<Extended, TrainerError> {
        let NewCandidate { candidate, outcomes, format, mut source, test, test_share } = new;
        let model = candidate.id.as_str();
        check_new(self.info(), model)?;
        let Rows { learnt, leaks, test } =
            self.learnable(model, &outcomes, (test, test_share), stop)?;
        let outcomes = outcomes.select(&learnt);
        source.rows = outcomes.rows.len() as u64;
        source.removed_as_leaks = leaks as u64;
        let data = source.sha256.clone().unwrap_or_default();
        let known = match self.int8.file(MEMORY_FILE) {
            [] => self.int8.file(MODEL_FILE),
            memory => memory,
        };
        let (seed, llms) = (self.seed(), sha256_hex(known));
        let identity = format!("add-candidate {model} to {llms} from {data} seed {seed}");
        self.mark(place, &identity)?;
        let place = fine_tune::Place { folder: place, identity: &identity };
        let addition = match &self.settings {
            Learnt::Embedding(settings) => {
                let column = self.learn(settings, model, &outcomes, &place, stop)?;
                Addition::Columns(vec![(routerdc_graph::COLUMNS, column)])
            }
            Learnt::GroupMeans(settings) => {
                Addition::Columns(self.group_means(settings, model, &outcomes, stop)?)
            }
            Learnt::LinearScore(settings) => {
                Addition::LinearScore(self.linear_score(settings, model, &outcomes, stop)?)
            }
            Learnt::MemoryLabels => {
                Addition::MemoryLabels(self.memory_labels(model, &outcomes, stop)?)
            }
            Learnt::EloGroup => Addition::EloGroup(self.elo_group(model, &outcomes)?),
        };
        let bundle = self.int8.with(&addition, &candidate, &source)?;
        let float = self.float.with(&addition, &candidate, &source)?;
        let (after, exact) = (bundle.router()?, float.router()?);
        let compared = if test.rows.is_empty() { &outcomes } else { &test };
        let queries: Vec<&str> = compared.rows.iter().map(|row| row.query.as_str()).collect();
        let found = qualities(&after, &queries, stop)?;
        let disagreement =
            Disagreement::between_qualities(&qualities(&exact, &queries, stop)?, &found).check()?;
        let result = match test.rows.is_empty() {
            true => None,
            false => Some(self.scored(&after, &found, &test, &outcomes, (format, leaks), stop)?),
        };
        let rows = outcomes.rows.len();
        Ok(Extended { bundle, float, result, disagreement, rows })
    }

    /// Checks that outcomes of these LLMs on these questions can teach the run a new LLM, whatever their scores: to
    /// ask before answers are paid for.
    ///
    /// # Errors
    /// Those of [`KnownRun::with_candidate`] for too few rows.
    pub fn check_rows(
        &self,
        model: &str,
        outcomes: &Outcomes,
        stop: &AtomicBool,
    ) -> Result<(), TrainerError> {
        check_new(self.info(), model)?;
        let rows = self.learnable(model, outcomes, (None, 0.0), stop)?;
        match &self.settings {
            Learnt::LinearScore(settings) => {
                self.linear_score(settings, model, &outcomes.select(&rows.learnt), stop).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// The rows to learn from and to score.
    ///
    /// # Errors
    /// [`TrainerError::BadCandidate`] for fewer than [`LEAST_ROWS`] to learn from.
    fn learnable(
        &self,
        model: &str,
        outcomes: &Outcomes,
        (test, test_share): (Option<Outcomes>, f64),
        stop: &AtomicBool,
    ) -> Result<Rows, TrainerError> {
        let rows = match &self.settings {
            Learnt::MemoryLabels => self.remembered_rows(model, outcomes, test, stop)?,
            _ => self.rows(model, outcomes, test, test_share)?,
        };
        if rows.learnt.len() < LEAST_ROWS {
            return Err(TrainerError::BadCandidate {
                model: model.to_owned(),
                detail: format!(
                    "{} rows to learn from score both it and a known LLM, expected at \
                     least {LEAST_ROWS}. Measure it on more queries",
                    rows.learnt.len()
                ),
            });
        }
        Ok(rows)
    }

    /// The seed the run was trained with.
    fn seed(&self) -> u64 {
        self.info().provenance.as_ref().map_or(self.recipe.seed, |provenance| provenance.seed)
    }

    /// The new LLM's column in a table.
    ///
    /// # Errors
    /// [`TrainerError::BadCandidate`] where the table has none.
    fn column(&self, model: &str, outcomes: &Outcomes) -> Result<usize, TrainerError> {
        outcomes.model_index(model).ok_or_else(|| TrainerError::BadCandidate {
            model: model.to_owned(),
            detail: format!(
                "the data has no such model; it has {}. Name it as the data does, or in the \
                 [aliases] of the run's recipe.toml",
                outcomes.models.join(", ")
            ),
        })
    }

    /// The rows that measured the new LLM beside a known one, less those to score.
    fn rows(
        &self,
        model: &str,
        outcomes: &Outcomes,
        test: Option<Outcomes>,
        test_share: f64,
    ) -> Result<Rows, TrainerError> {
        let column = self.column(model, outcomes)?;
        let known = self.columns(outcomes);
        let held = test.as_ref().map(Stems::from_outcomes).unwrap_or_default();
        let mut seen = Stems::default();
        let (mut rows, mut leaks) = (Vec::new(), 0);
        for (at, row) in outcomes.rows.iter().enumerate() {
            let beside = known.iter().flatten().any(|&llm| row.score(llm).is_some());
            if row.score(column).is_none() || !beside || !seen.insert(&row.query) {
                continue;
            }
            match held.contains(&row.query) {
                true => leaks += 1,
                false => rows.push(at),
            }
        }
        if let Some(test) = test {
            return Ok(Rows { learnt: rows, leaks, test });
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss
        )]
        let count = (rows.len() as f64 * test_share).round() as usize;
        let (scored, learnt) = split_rows(rows.len(), count, self.seed());
        let at = |places: Vec<usize>| -> Vec<usize> {
            places.into_iter().filter_map(|place| rows.get(place).copied()).collect()
        };
        let (scored, learnt) = (at(scored), at(learnt));
        Ok(Rows { learnt, leaks, test: outcomes.select(&scored) })
    }

    /// Column of each known candidate in a table, where the table has it.
    fn columns(&self, outcomes: &Outcomes) -> Vec<Option<usize>> {
        self.info().candidates.iter().map(|known| outcomes.model_index(&known.id)).collect()
    }

    /// Marks the folder as belonging to this call, or refuses the folder of another call.
    fn mark(&self, place: &Path, identity: &str) -> Result<(), TrainerError> {
        std::fs::create_dir_all(place).map_err(TrainerError::file(place))?;
        let mark = place.join("identity.txt");
        match std::fs::read_to_string(&mark) {
            Ok(found) if found.trim() == identity => Ok(()),
            Ok(_) => Err(TrainerError::BadCheckpoint {
                path: place.to_owned(),
                detail: "it holds a run of another candidate, router or data".into(),
            }),
            Err(_) => {
                let (from, to) = (self.folder.join("recipe.toml"), place.join("recipe.toml"));
                std::fs::copy(&from, &to).map_err(TrainerError::file(&to))?;
                std::fs::write(&mark, identity).map_err(TrainerError::file(&mark))
            }
        }
    }

    /// Scores of the router with and without the new LLM on the same rows.
    fn scored(
        &self,
        after: &Router,
        found: &[Vec<f64>],
        test: &Outcomes,
        learnt: &Outcomes,
        (format, leaks): (Format, usize),
        stop: &AtomicBool,
    ) -> Result<Stored, TrainerError> {
        let info = after.info();
        let models: Vec<String> = info.candidates.iter().map(|known| known.id.clone()).collect();
        let set = pool_rows(test, &models, format);
        let queries: Vec<&str> = test.rows.iter().map(|row| row.query.as_str()).collect();
        let before = qualities(&self.int8.router, &queries, stop)?;
        let mut before = pool_column(self.info(), Origin::INT8, &models, &before)?;
        before.router.name = format!("{}, {} LLMs", info.name, models.len() - 1);
        let columns = [pool_column(info, Origin::INT8, &models, found)?, before];
        let training = of_outcomes(learnt, &models, set.scoring);
        let benchmark = Benchmark {
            leaks_removed: Some(leaks),
            ..Benchmark::new("rows not learnt from", set.kind)
        };
        let settings = PoolSettings::default();
        let result = pool::build(&benchmark, &models, &set.rows, &training, &columns, &settings)?;
        Ok(Stored { pools: vec![result], ..Stored::default() })
    }
}
