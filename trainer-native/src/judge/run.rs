//! Judges a set of answers: grades what gold answers decide, asks an LLM about the rest, and writes what
//! came of it.
//!
//! Every pass reads the answers anew, one prompt at a time, so that memory holds no texts.

use std::cell::RefCell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::command::Run;
use super::evaluate::{self, Evaluation, Look};
use super::gold::{self, Gold};
use super::hybrid::{Transformation, transformation};
use super::labelled::Labelled;
use super::output::{By, HybridLabel, Lines, judged, outcome, preference};
use super::prompt::JudgePrompt;
use super::ranking::Ranking;
use super::report::{HybridReport, JudgeReport, LlmReport};
use super::runs::Runs;
use super::scored::{Decision, Preference};
use super::settings::{JudgeSettings, Labels, LlmSettings, Mode};
use super::totals::Totals;
use crate::completions::{
    CompletionRequest, CompletionStore, Job, Progress, RequestKey, Stopped, Summary, complete_all,
};
use crate::data::{AnswerSet, AnsweredPrompt};
use crate::error::TrainerError;

/// Judges the answers and writes `outcomes.jsonl`, `preferences.jsonl` and `judged.jsonl` into `out`. What an LLM
/// judge said is kept in `out/judgements`, how commands ended in `out/commands.jsonl`: the same call again asks
/// and runs only what is missing. A cap or an interrupt leaves out what was not asked; the report states it.
///
/// # Errors
/// [`TrainerError::BadSetting`]; [`TrainerError::NothingToScore`] where no answer could be judged or no label
/// fits; those of the data, of commands and of asking.
pub fn judge(
    answers: &AnswerSet,
    settings: &JudgeSettings,
    out: &Path,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<JudgeReport, TrainerError> {
    settings.check(&answers.models)?;
    std::fs::create_dir_all(out).map_err(TrainerError::file(out))?;
    let models = match &settings.pair {
        Some(pair) => pair.to_vec(),
        None => answers.models.clone(),
    };
    let labelled = settings.labelled.as_deref().map(|path| Labelled::read(path, &models));
    let labelled = labelled.transpose()?;
    let store = match &settings.llm {
        Some(_) => Some(CompletionStore::open(&out.join("judgements"))?),
        None => None,
    };
    let llm = settings.llm.as_ref().zip(store.as_ref());
    let runs = settings.commands.clone();
    let runs = runs.map(|limits| Runs::open(&out.join("commands.jsonl"), limits)).transpose()?;
    let mut judging = Judging {
        answers,
        settings,
        models: &models,
        labelled: labelled.as_ref(),
        runs,
        llm: llm.map(|(settings, store)| Llm::new(settings, store)),
    };
    judging.run_commands(stop)?;
    judging.check_labels()?;
    let asked = judging.ask(progress, stop)?;
    let transformation = judging.transformation()?;
    judging.write(out, &asked, transformation)
}

/// An LLM judge with its store.
struct Llm<'a> {
    settings: &'a LlmSettings,
    prompt: JudgePrompt,
    store: &'a CompletionStore,
}

impl<'a> Llm<'a> {
    fn new(settings: &'a LlmSettings, store: &'a CompletionStore) -> Self {
        let (rubric, characters) = (settings.rubric.as_deref(), settings.answer_characters);
        let prompt = match settings.mode {
            Mode::Score => JudgePrompt::score(rubric, characters),
            Mode::Pairwise | Mode::Ranking => JudgePrompt::pairwise(rubric, characters),
        };
        Self { settings, prompt, store }
    }

    /// How comparisons become scores.
    fn ranking(&self) -> Ranking {
        match self.settings.mode {
            Mode::Ranking => self.settings.ranking,
            Mode::Pairwise | Mode::Score => Ranking::Mean,
        }
    }

    /// Depths of requests, see [`evaluate`].
    fn depths(&self, models: usize) -> usize {
        match self.ranking() {
            Ranking::Bubble => 2 * models.saturating_sub(1),
            _ => 2,
        }
    }

    fn evaluate(
        &self,
        prompt: &AnsweredPrompt,
        look: &Look<'_>,
    ) -> Result<Evaluation, TrainerError> {
        match self.settings.mode {
            Mode::Score => evaluate::grades(prompt, &self.prompt, look),
            _ => evaluate::comparisons(prompt, self.ranking(), &self.prompt, look),
        }
    }

    /// The text of a request's answer, where the store has it.
    fn look(&self, request: &CompletionRequest) -> Result<Option<String>, TrainerError> {
        let key = RequestKey::of(&self.settings.entry, request);
        Ok(self.store.get(&key)?.map(|completion| completion.text))
    }
}

/// What decides a prompt.
enum Basis {
    Gold(Gold),
    Llm,
    Nothing,
}

struct Judging<'a> {
    answers: &'a AnswerSet,
    settings: &'a JudgeSettings,
    /// The LLMs that are judged.
    models: &'a [String],
    labelled: Option<&'a Labelled>,
    runs: Option<Runs>,
    llm: Option<Llm<'a>>,
}

impl Judging<'_> {
    /// The prompts with the answers of the LLMs that are judged, in their order.
    fn prompts(&self) -> impl Iterator<Item = Result<AnsweredPrompt, TrainerError>> + '_ {
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

    fn run_commands(&mut self, stop: &AtomicBool) -> Result<(), TrainerError> {
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
        let (Some(labelled), Some(path)) = (self.labelled, &self.settings.labelled) else {
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

    /// Asks the judge, depth by depth, what is not in its store.
    fn ask(&self, progress: &dyn Progress, stop: &AtomicBool) -> Result<Summary, TrainerError> {
        let mut summary = Summary::default();
        let Some(llm) = &self.llm else { return Ok(summary) };
        for depth in 0..llm.depths(self.models.len()) {
            let failed: RefCell<Option<TrainerError>> = RefCell::new(None);
            let requests = self.prompts().map_while(|prompt| {
                let next = prompt.and_then(|prompt| match self.basis(&prompt)? {
                    Basis::Llm => llm.evaluate(&prompt, &|request| llm.look(request)),
                    _ => Ok(Evaluation::default()),
                });
                match next {
                    Ok(evaluation) => Some(evaluation.next),
                    Err(error) => {
                        failed.replace(Some(error));
                        None
                    }
                }
            });
            let requests = requests.flatten().filter(|(of, _)| *of == depth);
            let mut jobs = requests.map(|(_, request)| Job { model: &llm.settings.entry, request });
            let found = complete_all(&mut jobs, llm.store, &llm.settings.limits, progress, stop)?;
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

    fn decide(&self, prompt: &AnsweredPrompt) -> Result<Decision, TrainerError> {
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

    fn transformation(&self) -> Result<Option<Transformation>, TrainerError> {
        if self.settings.labels != Labels::Transformed {
            return Ok(None);
        }
        let mut differences = Vec::new();
        for prompt in self.prompts() {
            let prompt = prompt?;
            differences.push(self.decide(&prompt)?.differences(&prompt));
        }
        Ok(transformation(&differences))
    }

    fn write(
        &self,
        out: &Path,
        asked: &Summary,
        transformation: Option<Transformation>,
    ) -> Result<JudgeReport, TrainerError> {
        let mut outcomes = Lines::create(out, "outcomes.jsonl")?;
        let mut preferences = Lines::create(out, "preferences.jsonl")?;
        let mut said = Lines::create(out, "judged.jsonl")?;
        let mut totals = Totals::new(self.models);
        let mut hybrid = HybridSums::new(self.settings.labels, transformation);
        for (number, prompt) in self.prompts().enumerate() {
            let prompt = prompt?;
            let decision = self.decide(&prompt)?;
            let by = self.by(&decision);
            let scores = decision.model_scores(&prompt, self.models.len());
            let found = decision.preferences(&prompt, self.models.len());
            totals.add(number, &prompt, &decision, &scores, &found, self.labelled);
            if let (Decision::Grades(_) | Decision::Comparisons(..), Some(llm)) =
                (&decision, &self.llm)
            {
                totals.add_cut(&prompt, &llm.prompt);
            }
            if let Some(row) =
                outcome(&prompt, self.models, &scores, self.settings.score_scale(), by)
            {
                outcomes.write(&row)?;
            }
            for mut row in found {
                let label = hybrid.label(&prompt, &decision, &mut row);
                preferences.write(&preference(&prompt, self.models, row, label, by))?;
            }
            for line in judged(&prompt, self.models, &decision, by) {
                said.write(&line)?;
            }
        }
        if outcomes.rows == 0 && asked.stopped != Some(Stopped::Interrupted) {
            return Err(self.nothing_judged(asked));
        }
        let llm = match &self.llm {
            Some(llm) => Some(llm_report(llm, totals.llm(self.labelled)?, asked)),
            None => None,
        };
        let gold = self.settings.gold.then(|| totals.gold(self.settings.commands.as_ref()));
        said.finish()?;
        Ok(JudgeReport {
            answers_sha256: self.answers.sha256.clone(),
            prompts: self.answers.prompt_count() as u64,
            answers: self.answers.answer_count() as u64,
            bad_rows: self.answers.bad_count as u64,
            models: self.models.to_vec(),
            pair: self.settings.pair.clone(),
            labels: self.settings.labels,
            outcome_rows: outcomes.finish()?,
            preference_rows: preferences.finish()?,
            without_outcome: totals.without_outcome,
            means: totals.means(),
            preferences: totals.preferences(),
            gold,
            llm,
            hybrid: hybrid.report(),
            voting: totals.voting(),
        })
    }

    fn by(&self, decision: &Decision) -> By<'_> {
        match (decision, &self.llm) {
            (Decision::Grades(_) | Decision::Comparisons(..), Some(llm)) => {
                By { judge: &llm.settings.entry.id, prompt_version: &llm.prompt.version }
            }
            _ => By { judge: "gold", prompt_version: gold::VERSION },
        }
    }

    fn nothing_judged(&self, asked: &Summary) -> TrainerError {
        let why = match (&self.llm, asked.failed.first(), asked.stopped) {
            (_, _, Some(Stopped::Cap)) => {
                "the cost cap was reached before the first verdict. Raise --max-usd".into()
            }
            (_, Some(failure), _) => {
                format!(
                    "{} requests to the judge failed, the first: {}",
                    asked.failed_count, failure.reason
                )
            }
            (Some(_), None, _) => {
                "no verdict of the judge could be read. Try another judge, or look at judgements/"
                    .into()
            }
            (None, None, _) => {
                "no prompt has a gold answer that was compared. Add \"gold\" to the prompts, \
                                --commands where these are tests, or --judge"
                    .into()
            }
        };
        let why = asked.stopped_models.first().map_or(why, |model| model.reason.clone());
        let (prompts, answers) = (self.answers.prompt_count(), self.answers.answer_count());
        let detail =
            format!("none of {answers} answers to {prompts} prompts could be judged: {why}");
        TrainerError::NothingToScore { detail }
    }
}

fn llm_report(llm: &Llm<'_>, counts: LlmReport, asked: &Summary) -> LlmReport {
    let compares = llm.settings.mode != Mode::Score;
    LlmReport {
        judge: llm.settings.entry.id.clone(),
        prompt_version: llm.prompt.version.clone(),
        mode: Some(llm.settings.mode),
        ranking: compares.then(|| llm.ranking()),
        answer_characters: llm.settings.answer_characters,
        asked: asked.asked,
        stored: llm.store.len() as u64,
        failed: asked.failed_count,
        failures: asked
            .failed
            .iter()
            .map(|failure| failure.reason.clone())
            .chain(asked.stopped_models.iter().map(|model| model.reason.clone()))
            .collect(),
        spent_usd: llm.store.spent_usd(),
        spent_now_usd: asked.spent_usd,
        stopped: asked.stopped.map(|stopped| match stopped {
            Stopped::Cap => "cap".into(),
            Stopped::Interrupted => "interrupted".into(),
        }),
        ..counts
    }
}

/// Hybrid-LLM's labels as they are written.
struct HybridSums {
    labels: Labels,
    transformation: Option<Transformation>,
    prompts: u64,
    sum: f64,
}

impl HybridSums {
    fn new(labels: Labels, transformation: Option<Transformation>) -> Self {
        Self { labels, transformation, prompts: 0, sum: 0.0 }
    }

    /// Replaces a preference's target by the label, where labels were asked for.
    fn label(
        &mut self,
        prompt: &AnsweredPrompt,
        decision: &Decision,
        row: &mut Preference,
    ) -> Option<HybridLabel> {
        let name = match self.labels {
            Labels::Winner => return None,
            Labels::Soft => "soft",
            Labels::Transformed => "transformed",
        };
        let threshold = self.transformation.map_or(0.0, |found| found.threshold);
        let label = decision.weak_suffices(prompt, threshold)?;
        // The target is P(strong is better), and strong is the first of the pair.
        row.target = 1.0 - label;
        self.prompts += 1;
        self.sum += label;
        Some(HybridLabel { name, threshold })
    }

    fn report(&self) -> Option<HybridReport> {
        (self.labels != Labels::Winner && self.prompts > 0).then(|| HybridReport {
            prompts: self.prompts,
            mean_label: self.sum / self.prompts as f64,
            transformation: self.transformation,
        })
    }
}
