//! The bundle or run that a probe gives one more candidate.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use pointsman::{Ability, Candidate, Kind, MANIFEST_FILE, Router, Source};

use super::graded::Graded;
use super::items::{ProbeItem, ProbeSet};
use super::learnt::{Learnt, learn, prior_of};
use crate::add_candidate::{KnownRun, NewCandidate, check_new, with_ability};
use crate::completions::{ModelEntry, ModelsFile};
use crate::data::{Format, OutcomeRow, Outcomes};
use crate::error::TrainerError;
use crate::export::bundle::{self, BundleDraft};

/// What is to get a candidate, read from its folder.
pub struct Target {
    bundle: PathBuf,
    pub router: Router,
    known: Known,
}

enum Known {
    /// A bundle of kind `difficulty`, and where a fit begins.
    Abilities(Ability),
    /// A run of a kind that learns an LLM beside others.
    Run(Box<KnownRun>),
}

/// Where the fit of an ability begins, as a user states it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beginning<'a> {
    pub tier: Option<&'a str>,
    pub role: Option<&'a str>,
}

/// A bundle with one more candidate.
pub struct Added {
    pub bundle: BundleDraft,
    /// The same router in float, of a run.
    pub float: Option<BundleDraft>,
    /// What was learnt, of kind `difficulty`.
    pub learnt: Option<Learnt>,
    /// Outcomes that it was learnt from.
    pub rows: usize,
}

impl Target {
    /// Reads the bundle, or finished run, in `folder`. `model` is the new LLM.
    ///
    /// # Errors
    /// [`TrainerError::BadRun`] where the folder holds neither, or a bundle alone of a kind that needs its run;
    /// [`TrainerError::BadCandidate`] where the LLM is known already or the kind takes no further one, with what to
    /// do; [`TrainerError::BadSetting`] for a tier or role that the bundle lacks.
    pub fn open(
        folder: &Path,
        model: &str,
        beginning: Beginning<'_>,
    ) -> Result<Self, TrainerError> {
        let (bundle, run) = places(folder)?;
        let router = Router::from_files(&bundle::read_files(&bundle)?)?;
        check_new(router.info(), model)?;
        if router.kind() == Kind::Difficulty {
            let prior = prior_of(router.info(), beginning.tier, beginning.role)?;
            return Ok(Self { bundle, router, known: Known::Abilities(prior) });
        }
        let kind = &router.info().kind;
        if let Some(stated) = beginning.tier.or(beginning.role) {
            return Err(TrainerError::BadSetting {
                setting: "tier or role".into(),
                detail: format!(
                    "found {stated:?}, but a router of kind {kind:?} knows no abilities: leave it out"
                ),
            });
        }
        let run = run.ok_or_else(|| TrainerError::BadRun {
            path: folder.to_owned(),
            detail: format!(
                "found a bundle of kind {kind:?} alone, expected its run folder, with recipe.toml, bundle and \
                 bundle-float: this kind learns an LLM by its recipe. A bundle of kind \"difficulty\" needs no run"
            ),
        })?;
        let run = Box::new(KnownRun::read(&run, model)?);
        Ok(Self { bundle, router, known: Known::Run(run) })
    }

    /// The LLMs to ask: the new one and, of a kind that learns it beside others, the candidates among `file`.
    ///
    /// # Errors
    /// [`TrainerError::BadCandidate`] where such a kind has no candidate in the file.
    pub fn asked(
        &self,
        new: &ModelEntry,
        file: &ModelsFile,
    ) -> Result<Vec<ModelEntry>, TrainerError> {
        let mut asked = vec![new.clone()];
        let Known::Run(run) = &self.known else { return Ok(asked) };
        let known = |entry: &&ModelEntry| {
            self.router.info().candidate_index(run.canonical(&entry.id)).is_some()
        };
        asked.extend(file.models.iter().filter(known).cloned());
        if asked.len() == 1 {
            let info = self.router.info();
            return Err(TrainerError::BadCandidate {
                model: new.id.clone(),
                detail: format!(
                    "a router of kind {:?} learns an LLM from questions that a known one answered too, and the \
                     models file lists none of its candidates, {}. List one by that id, so that it is asked the \
                     probe set as well, or take a bundle of kind \"difficulty\"",
                    info.kind,
                    info.candidate_names()
                ),
            });
        }
        Ok(asked)
    }

    /// Checks, before answers are paid for, that answers of these LLMs to this set can teach the router.
    ///
    /// # Errors
    /// [`TrainerError::BadCandidate`], as of `knn` for questions that its memory does not hold; those of the
    /// engine; [`TrainerError::Interrupted`].
    pub fn check(
        &self,
        set: &ProbeSet,
        asked: &[ModelEntry],
        stop: &AtomicBool,
    ) -> Result<(), TrainerError> {
        let Known::Run(run) = &self.known else { return Ok(()) };
        let Some(new) = asked.first() else { return Ok(()) };
        let row = |item: &ProbeItem| OutcomeRow {
            id: item.id.clone(),
            query: item.query.clone(),
            dataset: item.skill.clone(),
            category: None,
            cluster: None,
            scores: (0..asked.len()).map(|column| (column, 0.0)).collect(),
            costs: Vec::new(),
        };
        let outcomes = Outcomes {
            models: names(run, asked.iter().map(|entry| &entry.id)),
            rows: set.items.iter().map(row).collect(),
            score_scale: 1.0,
        };
        run.check_rows(run.canonical(&new.id), &outcomes, stop)
    }

    /// Learns the new LLM, the first of the graded ones. `source` is the outcomes'; `place` a folder for the
    /// checkpoints of a run.
    ///
    /// # Errors
    /// Those of the fit, of [`KnownRun::with_candidate`] and of the engine.
    pub fn add(
        &self,
        candidate: Candidate,
        graded: &Graded,
        source: Source,
        place: &Path,
        stop: &AtomicBool,
    ) -> Result<Added, TrainerError> {
        match &self.known {
            Known::Abilities(prior) => {
                let learnt = learn(&self.router, &graded.outcomes, 0, prior)?;
                let rows = learnt.outcomes;
                let candidate = Candidate { ability: Some(learnt.ability.clone()), ..candidate };
                let source = Source { rows: rows as u64, ..source };
                let bundle = with_ability(&self.bundle, &candidate, &source)?;
                Ok(Added { bundle, float: None, learnt: Some(learnt), rows })
            }
            Known::Run(run) => {
                let mut outcomes = graded.outcomes.clone();
                outcomes.models = names(run, graded.outcomes.models.iter());
                let id = run.canonical(&candidate.id).to_owned();
                let new = NewCandidate {
                    candidate: Candidate { id, ..candidate },
                    outcomes,
                    format: Format::OutcomesJsonl,
                    source,
                    test: None,
                    test_share: 0.0,
                };
                let extended = run.with_candidate(new, place, stop)?;
                Ok(Added {
                    bundle: extended.bundle,
                    float: Some(extended.float),
                    learnt: None,
                    rows: extended.rows,
                })
            }
        }
    }
}

fn names<'a>(run: &KnownRun, ids: impl Iterator<Item = &'a String>) -> Vec<String> {
    ids.map(|id| run.canonical(id).to_owned()).collect()
}

/// The folders of the bundle and of its run, where it has one.
fn places(folder: &Path) -> Result<(PathBuf, Option<PathBuf>), TrainerError> {
    let has_recipe = |run: &Path| run.join("recipe.toml").is_file();
    if folder.join(MANIFEST_FILE).is_file() {
        let run = folder.parent().filter(|run| has_recipe(run));
        return Ok((folder.to_owned(), run.map(Path::to_owned)));
    }
    let inside = folder.join("bundle");
    if inside.join(MANIFEST_FILE).is_file() {
        let run = has_recipe(folder).then(|| folder.to_owned());
        return Ok((inside, run));
    }
    Err(TrainerError::BadRun {
        path: folder.to_owned(),
        detail: format!(
            "found neither {MANIFEST_FILE} nor bundle/{MANIFEST_FILE}, expected the folder of a bundle or of a \
             finished run"
        ),
    })
}
