//! Answers with all that judges them: what decides a prompt, and the calls and commands that this needs.
//!
//! Every pass reads the answers anew, one prompt at a time, so that memory holds no texts.

use std::cell::RefCell;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use pointsman::judge::without_reasoning;

use super::command::Run;
use super::evaluate::{self, Evaluation};
use super::gold::Gold;
use super::labelled::Labelled;
use super::llm::Llm;
use super::runs::Runs;
use super::scored::Decision;
use super::settings::{JudgeSettings, Mode};
use crate::completions::{CostRange, Job, Progress, Summary, complete_all};
use crate::data::{AnswerSet, AnsweredPrompt};
use crate::error::TrainerError;

/// What is left to ask a judge.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The judge's `id`; `None` where no LLM judges.
    pub judge: Option<String>,
    /// Requests that are known by now. An answer in prose leads to one more.
    pub requests: u64,
    /// How often as many may follow: `bubble` compares in so many meetings, else 1.
    pub meetings: u64,
    /// Answers in the store, and what all requests to it cost so far.
    pub answered: u64,
    pub spent_usd: f64,
    /// Of these requests; `None` where the judge states no prices.
    pub cost: Option<CostRange>,
}

impl Plan {
    /// Checks that what is left may be asked: under a cap, or `agreed` without one, or for nothing.
    ///
    /// # Errors
    /// [`TrainerError::UnknownPrice`] for a judge without prices under a cap; [`TrainerError::CostUnconfirmed`].
    pub fn confirm(&self, max_usd: Option<f64>, agreed: bool) -> Result<(), TrainerError> {
        let Some(judge) = self.judge.as_ref().filter(|_| self.requests > 0) else { return Ok(()) };
        match (max_usd, self.cost) {
            (Some(_), None) => Err(TrainerError::UnknownPrice { model: judge.clone() }),
            (None, None) if !agreed => {
                let cost = format!("an unknown amount, since {judge} states no prices");
                Err(TrainerError::CostUnconfirmed { cost })
            }
            (None, Some(cost)) if !agreed && cost.highest_usd() > 0.0 => {
                let highest = cost.highest_usd() * self.meetings as f64;
                let cost =
                    format!("up to USD {highest:.2}, and more where the judge answers in prose");
                Err(TrainerError::CostUnconfirmed { cost })
            }
            _ => Ok(()),
        }
    }
}

/// What decides a prompt.
enum Basis {
    Gold(Gold),
    Llm,
    Nothing,
}

/// Answers that are to be judged.
pub struct Judging<'a> {
    pub(super) answers: &'a AnswerSet,
    pub(super) settings: &'a JudgeSettings,
    /// The LLMs that are judged.
    pub(super) models: Vec<String>,
    pub(super) labelled: Option<Labelled>,
    pub(super) llm: Option<Llm<'a>>,
    runs: Option<Runs>,
}

impl<'a> Judging<'a> {
    /// Checks the settings, reads the labelled sample, and opens what earlier calls kept in `out`: what the LLM
    /// judge said in `judgements`, and how commands ended in `commands.jsonl`.
    ///
    /// # Errors
    /// [`TrainerError::BadSetting`]; [`TrainerError::NothingToScore`] where no label can meet a verdict; those of
    /// the data and of the store.
    pub fn open(
        answers: &'a AnswerSet,
        settings: &'a JudgeSettings,
        out: &Path,
    ) -> Result<Self, TrainerError> {
        settings.check(&answers.models)?;
        std::fs::create_dir_all(out).map_err(TrainerError::file(out))?;
        let models = match &settings.pair {
            Some(pair) => pair.to_vec(),
            None => answers.models.clone(),
        };
        let labelled = settings.labelled.as_deref().map(|path| Labelled::read(path, &models));
        let llm = settings.llm.as_ref().map(|llm| Llm::open(llm, &out.join("judgements")));
        let runs = settings.commands.clone();
        let runs = runs.map(|limits| Runs::open(&out.join("commands.jsonl"), limits));
        let judging = Self {
            answers,
            settings,
            labelled: labelled.transpose()?,
            llm: llm.transpose()?,
            runs: runs.transpose()?,
            models,
        };
        judging.check_labels()?;
        Ok(judging)
    }

    /// The prompts with the answers of the LLMs that are judged, in their order and without reasoning.
    pub(super) fn prompts(
        &self,
    ) -> impl Iterator<Item = Result<AnsweredPrompt, TrainerError>> + '_ {
        let places: Vec<Option<usize>> = self
            .answers
            .models
            .iter()
            .map(|name| self.models.iter().position(|model| model == name))
            .collect();
        self.answers.prompts().map(move |prompt| {
            let mut prompt = prompt?;
            prompt.answers.retain_mut(|answer| {
                let place = places.get(answer.model).copied().flatten();
                answer.model = place.unwrap_or_default();
                answer.text = without_reasoning(&answer.text).to_owned();
                place.is_some()
            });
            prompt.answers.sort_by_key(|answer| (answer.model, answer.sample));
            Ok(prompt)
        })
    }

    fn basis(&self, prompt: &AnsweredPrompt) -> Result<Basis, TrainerError> {
        let llm = if self.llm.is_some() { Basis::Llm } else { Basis::Nothing };
        let Some(gold) = prompt.gold.as_ref().filter(|_| self.settings.gold) else {
            return Ok(llm);
        };
        let gold = Gold::parse(gold).map_err(|detail| TrainerError::BadRows {
            what: format!("gold answer of the prompt {:?}", prompt.id),
            detail,
        })?;
        match gold {
            Gold::Tests(_) if self.runs.is_none() && self.llm.is_some() => Ok(llm),
            gold => Ok(Basis::Gold(gold)),
        }
    }

    /// Runs the commands of gold answers that were not run yet, where the settings ask for it.
    ///
    /// # Errors
    /// Those of commands and of the data; [`TrainerError::Interrupted`].
    pub fn run_commands(&mut self, stop: &AtomicBool) -> Result<(), TrainerError> {
        let Some(mut runs) = self.runs.take() else { return Ok(()) };
        for prompt in self.prompts() {
            let prompt = prompt?;
            let Some(Gold::Tests(tests)) =
                prompt.gold.as_ref().and_then(|gold| Gold::parse(gold).ok())
            else {
                continue;
            };
            for answer in prompt.answers.iter().filter(|a| evaluate::none_given(a).is_none()) {
                runs.add(&tests, &answer.text, stop)?;
            }
        }
        runs.finish(stop)?;
        self.runs = Some(runs);
        Ok(())
    }

    /// Checks before anything is paid that a label can meet a verdict.
    fn check_labels(&self) -> Result<(), TrainerError> {
        let (Some(labelled), Some(path)) = (&self.labelled, &self.settings.labelled) else {
            return Ok(());
        };
        for prompt in self.prompts() {
            let prompt = prompt?;
            let mut models: Vec<usize> = prompt.answers.iter().map(|answer| answer.model).collect();
            models.dedup();
            if matches!(self.basis(&prompt)?, Basis::Llm)
                && labelled.count(&prompt.query, &models) > 0
            {
                return Ok(());
            }
        }
        let detail = format!(
            "{}: found no label among {} rows whose query and two LLMs are among the answers that an LLM judges, \
             expected some. Queries and names are compared exactly",
            path.display(),
            labelled.rows
        );
        Err(TrainerError::NothingToScore { detail })
    }

    /// What is left to ask the judge, and what that may cost.
    ///
    /// # Errors
    /// Those of the data and of the store.
    pub fn plan(&self) -> Result<Plan, TrainerError> {
        let mut plan = Plan::default();
        let Some(llm) = &self.llm else { return Ok(plan) };
        plan.judge = Some(llm.settings.entry.id.clone());
        plan.spent_usd = llm.store.spent_usd();
        plan.answered = llm.store.len() as u64;
        plan.meetings = (llm.depths(self.models.len()) / 2) as u64;
        plan.cost = Some(CostRange::default());
        for prompt in self.prompts() {
            for (_, request) in self.evaluate(&prompt?)?.next {
                plan.requests += 1;
                let cost = CostRange::of(&llm.settings.entry, &request);
                plan.cost = plan.cost.zip(cost).map(|(mut sum, cost)| {
                    sum.add(cost);
                    sum
                });
            }
        }
        Ok(plan)
    }

    /// What the LLM judge said of a prompt, and what it is to be asked; nothing of one that a gold answer decides.
    fn evaluate(&self, prompt: &AnsweredPrompt) -> Result<Evaluation, TrainerError> {
        match (self.basis(prompt)?, &self.llm) {
            (Basis::Llm, Some(llm)) => llm.evaluate(prompt, &|request| llm.look(request)),
            _ => Ok(Evaluation::default()),
        }
    }

    /// Asks the judge, depth by depth, what is not in its store. A cap and an interrupt end it early, which the
    /// summary states; the same call again goes on from there.
    ///
    /// # Errors
    /// Those of asking and of the data.
    pub fn ask(&self, progress: &dyn Progress, stop: &AtomicBool) -> Result<Summary, TrainerError> {
        let mut summary = Summary::default();
        let Some(llm) = &self.llm else { return Ok(summary) };
        for depth in 0..llm.depths(self.models.len()) {
            let failed: RefCell<Option<TrainerError>> = RefCell::new(None);
            let requests = self.prompts().map_while(|prompt| {
                match prompt.and_then(|prompt| self.evaluate(&prompt)) {
                    Ok(evaluation) => Some(evaluation.next),
                    Err(error) => {
                        failed.replace(Some(error));
                        None
                    }
                }
            });
            let requests = requests.flatten().filter(|(of, _)| *of == depth);
            let mut jobs = requests.map(|(_, request)| Job { model: &llm.settings.entry, request });
            let found = complete_all(&mut jobs, &llm.store, &llm.settings.limits, progress, stop)?;
            drop(jobs);
            if let Some(error) = failed.into_inner() {
                return Err(error);
            }
            let ends = found.stopped.is_some() || !found.stopped_models.is_empty();
            summary.add(found);
            if ends {
                break;
            }
        }
        Ok(summary)
    }

    /// What is known of a prompt's answers.
    pub(super) fn decide(&self, prompt: &AnsweredPrompt) -> Result<Decision, TrainerError> {
        match (self.basis(prompt)?, &self.llm) {
            (Basis::Gold(gold), _) => {
                let tests = match &gold {
                    Gold::Tests(tests) => Some(tests.clone()),
                    _ => None,
                };
                let run = |text: &str| {
                    let run = self.runs.as_ref()?.get(tests.as_ref()?, text)?;
                    Some((run.mark()?, !matches!(run, Run::Ended { .. })))
                };
                Ok(Decision::by_gold(gold, prompt, run))
            }
            (Basis::Llm, Some(llm)) => {
                let evaluation = llm.evaluate(prompt, &|request| llm.look(request))?;
                Ok(match llm.settings.mode {
                    Mode::Score => Decision::Grades(evaluation),
                    _ => Decision::Comparisons(evaluation, llm.ranking()),
                })
            }
            _ => Ok(Decision::Nothing),
        }
    }
}
