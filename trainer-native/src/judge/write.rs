//! Writes what came of judging.

use std::path::Path;

use super::gold;
use super::hybrid::{Transformation, transformation};
use super::judging::Judging;
use super::llm::Llm;
use super::output::{By, HybridLabel, Lines, judged, outcome, preference};
use super::report::{EndedEarly, HybridReport, JudgeReport, LlmReport};
use super::scored::{Decision, Preference};
use super::settings::{Labels, Mode};
use super::totals::Totals;
use crate::completions::{Stopped, Summary};
use crate::data::AnsweredPrompt;
use crate::error::TrainerError;

impl Judging<'_> {
    /// Writes `outcomes.jsonl`, `preferences.jsonl` and `judged.jsonl` of all that is known by now, given what
    /// asking gave.
    ///
    /// # Errors
    /// [`TrainerError::NothingToScore`] where no answer could be judged; those of the data and of files.
    pub fn write(&self, out: &Path, asked: &Summary) -> Result<JudgeReport, TrainerError> {
        let mut outcomes = Lines::create(out, "outcomes.jsonl")?;
        let mut preferences = Lines::create(out, "preferences.jsonl")?;
        let mut said = Lines::create(out, "judged.jsonl")?;
        let mut totals = Totals::new(&self.models);
        let mut hybrid = HybridSums::new(self.settings.labels, self.transformation()?);
        for (number, prompt) in self.prompts().enumerate() {
            let prompt = prompt?;
            let decision = self.decide(&prompt)?;
            let by = self.by(&decision);
            let scores = decision.model_scores(&prompt, self.models.len());
            let found = decision.preferences(&prompt, self.models.len());
            totals.add(number, &prompt, &decision, &scores, &found, self.labelled.as_ref());
            if let (Decision::Grades(_) | Decision::Comparisons(..), Some(llm)) =
                (&decision, &self.llm)
            {
                totals.add_cut(&prompt, &llm.prompt);
            }
            if let Some(row) =
                outcome(&prompt, &self.models, &scores, self.settings.score_scale(), by)
            {
                outcomes.write(&row)?;
            }
            for mut row in found {
                let label = hybrid.label(&prompt, &decision, &mut row);
                preferences.write(&preference(&prompt, &self.models, row, label, by))?;
            }
            for line in judged(&prompt, &self.models, &decision, by) {
                said.write(&line)?;
            }
        }
        if outcomes.rows == 0 && asked.stopped != Some(Stopped::Interrupted) {
            return Err(self.nothing_judged(asked));
        }
        let llm = match &self.llm {
            Some(llm) => Some(llm_report(llm, totals.llm(self.labelled.as_ref())?, asked)),
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
                By { judge: &llm.settings.entry.id, prompt_version: llm.prompt.version() }
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
}

fn llm_report(llm: &Llm<'_>, counts: LlmReport, asked: &Summary) -> LlmReport {
    let compares = llm.settings.mode != Mode::Score;
    LlmReport {
        judge: llm.settings.entry.id.clone(),
        prompt_version: llm.prompt.version().to_owned(),
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
        stopped: match asked.stopped {
            Some(Stopped::Cap) => Some(EndedEarly::Cap),
            Some(Stopped::Interrupted) => Some(EndedEarly::Interrupted),
            None if asked.stopped_models.is_empty() => None,
            None => Some(EndedEarly::JudgeStopped),
        },
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
