//! Distillation: trains on the answers of a trained bundle, the teacher, in place of labels.
//!
//! The teacher runs through the engine, in int8, as it is deployed. It assesses every query to
//! train on: those of outcomes, those of preferences (each text once), and those of corpus sources,
//! which have no labels. Its answers replace all labels:
//!
//! ```text
//! quality_t(q) = mean over u /= t of sigmoid(s_t(q) - s_u(q))     [T], each in [0, 1]
//!                the student's score of LLM t on q
//! win rate(q)  = sigmoid(s_strong(q) - s_weak(q))                 in [0, 1]
//!                the student's target of strong over weak, where the recipe has a pair
//! ```
//! s are the scores of the teacher's graph. For the kinds without such scores the qualities are:
//! expected scores (`cluster`), mean scores of neighbours (`knn`), draws (`random`). The T mean win
//! rates sum to T / 2, so they are no softmax; they are ordered as s. The student is trained on
//! them as they are, not on their logarithm:
//!
//! - every loss here takes scores in [0, 1], and pairwise losses take differences of qualities:
//!   with two candidates (1 + quality_a - quality_b) / 2 is the win rate itself;
//! - softmax(ln quality) is the probability that an LLM wins a random duel; it is at most 2 / T
//!   however sure the teacher is. And the logarithm of a quality near 0 is unbounded: the loss
//!   would go into how bad the worst LLMs are, which no pick depends on.
//!
//! The loss `zooter` pulls the student's softmax(s) to softmax(quality / `target_temperature`). A
//! teacher that is sure of its order has qualities in steps of 1 / (T - 1). A temperature well
//! below that step makes the target a single LLM; a temperature of about that step keeps the whole
//! order. The losses that only use the best and worst LLMs (`dual-contrastive`,
//! `cosine-classifier`) depend on the order alone.
//!
//! ```no_run
//! # use std::path::Path;
//! # use std::sync::atomic::AtomicBool;
//! use pointsman_trainer::device::{DeviceChoice, open};
//! use pointsman_trainer::training::context::Context;
//! use pointsman_trainer::{dataset, recipe, teacher::Teacher};
//! # fn main() -> Result<(), pointsman_trainer::TrainerError> {
//! # let (device, stop) = (open(DeviceChoice::Auto)?, AtomicBool::new(false));
//! let recipe = recipe::read(Path::new("trainer-native/recipes/distilled-static.toml"))?;
//! let mut data = dataset::prepare(&recipe.recipe, Path::new("data"), false)?;
//! let teacher = Teacher::read(Path::new("runs/teacher/bundle"), &recipe.recipe)?;
//! data.sha256 = teacher.identity(&data);
//! let context = Context::open(Path::new("runs/student"), &recipe, &data, &device, &stop)?;
//! let relabelled = teacher.teach(&context)?;
//! # Ok(())
//! # }
//! ```

mod comparison;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use pointsman::{DEFAULT_TURN_DECAY, Manifest, Query, Router, sha256_hex};

use crate::assess::on_each;
use crate::data::{OutcomeRow, Outcomes};
use crate::dataset::Prepared;
use crate::encoder::if_any_token;
use crate::error::TrainerError;
use crate::export::bundle;
use crate::recipe::Recipe;
use crate::tensors::{Checkpoint, NamedTensor};
use crate::training::context::Context;

pub use comparison::{Comparison, Figure};

/// Name of the file in a run's folder that holds the teacher's answers.
const ANSWERS: &str = "teacher.safetensors";

/// A bundle that assesses queries for a recipe.
pub struct Teacher {
    path: PathBuf,
    router: Router,
    sha256: String,
    /// Index among the teacher's candidates of each candidate of the recipe.
    places: Vec<usize>,
    /// Whether the recipe has a strong and a weak candidate.
    has_pair: bool,
}

/// The teacher's answer to a query.
#[derive(Debug, Clone, PartialEq)]
struct Assessed {
    /// Quality of each candidate of the recipe.
    qualities: Vec<f32>,
    /// Win rate of the recipe's pair, where it has one.
    win_rate: Option<f32>,
}

/// A query to assess, with what a training row needs of it.
struct TeacherQuery {
    row: OutcomeRow,
    weight: f32,
    source: usize,
}

impl Teacher {
    /// Reads the bundle in `folder` as the teacher of `recipe`.
    ///
    /// # Errors
    /// [`TrainerError::BadTeacher`] where its candidates, or its strong and weak ones, are not the
    /// recipe's; those of the engine; [`TrainerError::File`].
    pub fn read(folder: &Path, recipe: &Recipe) -> Result<Self, TrainerError> {
        let bad = |detail| TrainerError::BadTeacher { path: folder.to_owned(), detail };
        let router = Router::from_files(&bundle::read_files(folder)?)?;
        let places = places(router.info(), recipe).map_err(bad)?;
        let sha256 = identity(router.info())?;
        let has_pair = recipe.pair.is_some();
        Ok(Self { path: folder.to_owned(), sha256, router, places, has_pair })
    }

    /// The engine that runs the teacher.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// SHA-256 over its files, kind and candidates, without what was measured on it.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// SHA-256 over the data and the teacher, which identifies the data of a run.
    #[must_use]
    pub fn identity(&self, prepared: &Prepared) -> String {
        sha256_hex(format!("{} teacher {}", prepared.sha256, self.sha256).as_bytes())
    }

    /// Names the teacher in a manifest.
    pub fn sign(&self, manifest: &mut Manifest) {
        if let Some(provenance) = &mut manifest.provenance {
            let hash = self.sha256.get(..16).unwrap_or_default();
            provenance.teacher = Some(format!("{} {hash}", self.router.info().name));
        }
    }

    /// The training data of the run under this teacher: every query, with the teacher's answers for
    /// labels. The rows to score and to calibrate with stay as they are. The answers are kept in
    /// the run's folder, so that a resumed run need not compute them again.
    ///
    /// # Errors
    /// [`TrainerError::BadTeacher`] where the teacher finds a token in no query;
    /// [`TrainerError::BadCheckpoint`] where the answers are another run's; those of the engine;
    /// [`TrainerError::Data`]; [`TrainerError::Interrupted`].
    pub fn teach(&self, context: &Context<'_>) -> Result<Prepared, TrainerError> {
        let (data, stored) = (context.data, context.file(ANSWERS));
        let queries = every_query(data)?;
        let answers = match stored.exists() {
            true => self.read_answers(&stored, &data.sha256, queries.len())?,
            false => {
                let answers = self.ask(&queries, context.stop)?;
                self.write_answers(&stored, &data.sha256, &answers)?;
                answers
            }
        };
        let models =
            context.recipe.candidates.iter().map(|candidate| candidate.id.clone()).collect();
        let mut train = Outcomes { models, ..Outcomes::default() };
        let mut relabelled = data.clone();
        relabelled.weights.clear();
        relabelled.source_of.clear();
        relabelled.labels.clear();
        relabelled.preferences.clear();
        relabelled.corpus = Outcomes::default();
        relabelled.corpus_weights.clear();
        for (TeacherQuery { row, weight, source }, answer) in queries.into_iter().zip(answers) {
            let Some(Assessed { qualities, win_rate }) = answer else { continue };
            let scores = qualities.into_iter().enumerate().collect();
            train.rows.push(OutcomeRow { scores, costs: Vec::new(), ..row });
            relabelled.weights.push(weight);
            relabelled.source_of.push(source);
            relabelled.labels.push(win_rate);
        }
        relabelled.train = train;
        match relabelled.train.rows.is_empty() {
            false => Ok(relabelled),
            true => Err(TrainerError::BadTeacher {
                path: self.path.clone(),
                detail: "it found no token in any query to train on".into(),
            }),
        }
    }

    /// The answer to each query; `None` to one in which the teacher finds no token.
    fn ask(
        &self,
        queries: &[TeacherQuery],
        stop: &AtomicBool,
    ) -> Result<Vec<Option<Assessed>>, TrainerError> {
        let texts: Vec<&str> = queries.iter().map(|query| query.row.query.as_str()).collect();
        on_each("asking the teacher", &texts, stop, &|text| {
            let found =
                Query::new(text).and_then(|query| self.router.assess(&query, DEFAULT_TURN_DECAY));
            Ok(if_any_token(found)?.map(|found| {
                let places = self.places.iter();
                #[allow(clippy::cast_possible_truncation)]
                let quality = |at: &usize| found.scores.get(*at).map(|&quality| quality as f32);
                #[allow(clippy::cast_possible_truncation)]
                let win_rate = found.win_rate.map(|rate| rate as f32);
                Assessed {
                    qualities: places.filter_map(quality).collect(),
                    win_rate: win_rate.filter(|_| self.has_pair),
                }
            }))
        })
    }

    /// Writes one row for each query: whether it was answered, its win rate or 0, and the
    /// qualities.
    fn write_answers(
        &self,
        path: &Path,
        identity: &str,
        answers: &[Option<Assessed>],
    ) -> Result<(), TrainerError> {
        let width = self.places.len() + 2;
        let mut values = Vec::with_capacity(answers.len() * width);
        for answer in answers {
            match answer {
                Some(Assessed { qualities, win_rate }) => {
                    values.extend([1.0, win_rate.unwrap_or_default()]);
                    values.extend(qualities);
                }
                None => values.resize(values.len() + width, 0.0),
            }
        }
        let shape = vec![answers.len(), width];
        let tensors = vec![NamedTensor { name: "answers".into(), shape, values }];
        let note = HashMap::from([("identity".to_owned(), identity.to_owned())]);
        Checkpoint { tensors, note }.write(path)
    }

    fn read_answers(
        &self,
        path: &Path,
        identity: &str,
        rows: usize,
    ) -> Result<Vec<Option<Assessed>>, TrainerError> {
        let mut stored = Checkpoint::read(path)?;
        if stored.note.get("identity").map(String::as_str) != Some(identity) {
            return Err(TrainerError::BadCheckpoint {
                path: path.to_owned(),
                detail: "it holds the answers of another teacher, or to other queries".into(),
            });
        }
        let width = self.places.len() + 2;
        let values = stored.take("answers", &[rows, width], path)?;
        let answer = |row: &[f32]| match row {
            [answered, win_rate, qualities @ ..] if *answered > 0.0 => Some(Assessed {
                qualities: qualities.to_vec(),
                win_rate: self.has_pair.then_some(*win_rate),
            }),
            _ => None,
        };
        Ok(values.chunks_exact(width).map(answer).collect())
    }
}

/// Every query that a recipe trains on or counts the tokens of, each once.
fn every_query(prepared: &Prepared) -> Result<Vec<TeacherQuery>, TrainerError> {
    let train = prepared.train.rows.iter().zip(&prepared.weights).zip(&prepared.source_of);
    let mut queries: Vec<TeacherQuery> = train
        .map(|((row, &weight), &source)| TeacherQuery { row: row.clone(), weight, source })
        .collect();
    // The source of a row matters only for rows without a label, and every row has one now.
    let source = prepared.sources.len().saturating_sub(1);
    let corpus = prepared.corpus.rows.iter().zip(&prepared.corpus_weights);
    queries.extend(corpus.map(|(row, &weight)| TeacherQuery { row: row.clone(), weight, source }));
    let mut seen: HashSet<String> = queries.iter().map(|query| query.row.query.clone()).collect();
    prepared.for_each_preference(&mut |row| {
        if seen.insert(row.query.clone()) {
            let weight = row.weight;
            let row = OutcomeRow {
                id: row.id,
                query: row.query,
                dataset: row.dataset,
                category: None,
                cluster: None,
                scores: Vec::new(),
                costs: Vec::new(),
            };
            queries.push(TeacherQuery { row, weight, source });
        }
        Ok(())
    })?;
    Ok(queries)
}

/// Index among the teacher's candidates of each candidate of the recipe.
fn places(teacher: &Manifest, recipe: &Recipe) -> Result<Vec<usize>, String> {
    let names = || {
        let own: Vec<&str> = recipe.candidates.iter().map(|c| c.id.as_str()).collect();
        format!("it knows {}, the recipe {}", teacher.candidate_names(), own.join(", "))
    };
    let remedy = "teacher and recipe must have the same candidates";
    let place = |id: &str| {
        let found = teacher.candidate_index(id);
        found.ok_or_else(|| format!("it has no candidate {id:?}: {}; {remedy}", names()))
    };
    let places: Vec<usize> =
        recipe.candidates.iter().map(|c| place(&c.id)).collect::<Result<_, _>>()?;
    if let Some(more) =
        teacher.candidates.iter().find(|c| recipe.candidates.iter().all(|own| own.id != c.id))
    {
        return Err(format!(
            "its candidate {:?} is not in the recipe: {}; {remedy}",
            more.id,
            names()
        ));
    }
    let Some(pair) = &recipe.pair else { return Ok(places) };
    let head = &teacher.head;
    match (&head.strong, &head.weak) {
        (Some(strong), Some(weak)) if (strong, weak) == (&pair.strong, &pair.weak) => Ok(places),
        (Some(strong), Some(weak)) => Err(format!(
            "its win rate is of {strong:?} over {weak:?}, expected {:?} over {:?} as in the recipe",
            pair.strong, pair.weak
        )),
        _ => Err(format!(
            "it picks the best of all and has no win rate, expected one of {:?} over {:?}: train it \
             with strong and weak, or leave them out of the recipe",
            pair.strong, pair.weak
        )),
    }
}

fn identity(manifest: &Manifest) -> Result<String, TrainerError> {
    let unmeasured = Manifest {
        calibration: None,
        metrics: Vec::new(),
        trained_on: Vec::new(),
        provenance: None,
        ..manifest.clone()
    };
    let json = serde_json::to_vec(&unmeasured).map_err(|e| TrainerError::NotFinite {
        what: "a number of router.json",
        detail: e.to_string(),
    })?;
    Ok(sha256_hex(&json))
}
