//! Adds up what is said of each prompt, for the report.

use std::collections::BTreeMap;

use super::command::CommandLimits;
use super::evaluate::{Evaluation, State};
use super::gold;
use super::labelled::Labelled;
use super::mark::Mark;
use super::output::cost;
use super::prompt::JudgePrompt;
use super::report::{
    GoldCounts, GoldReport, LlmReport, ModelMeans, PairCounts, VotingReport, VotingRow,
};
use super::scored::{Decision, Graded, Preference};
use super::voting;
use crate::data::AnsweredPrompt;
use crate::error::TrainerError;
use crate::eval::agreement::{Agreement, RatedRow};
use crate::eval::bootstrap;
use crate::eval::position_bias::{Place, PlaceCounts, PositionBias};
use crate::eval::proportion::Proportion;

/// Sums of one LLM's outcomes.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    prompts: u64,
    score: f64,
    cost: f64,
    priced: u64,
}

/// Counts over all prompts.
pub(super) struct Totals<'a> {
    models: &'a [String],
    sums: Vec<Sums>,
    preferences: BTreeMap<(usize, usize), PairCounts>,
    gold: GoldReport,
    llm: LlmReport,
    places: PlaceCounts,
    same_in_both_orders: u64,
    rated: Vec<RatedRow>,
    voting: VotingReport,
    pub without_outcome: u64,
}

impl<'a> Totals<'a> {
    pub fn new(models: &'a [String]) -> Self {
        Self {
            models,
            sums: vec![Sums::default(); models.len()],
            preferences: BTreeMap::new(),
            gold: GoldReport { version: gold::VERSION.into(), ..GoldReport::default() },
            llm: LlmReport::default(),
            places: PlaceCounts::default(),
            same_in_both_orders: 0,
            rated: Vec::new(),
            voting: VotingReport::default(),
            without_outcome: 0,
        }
    }

    /// Adds a prompt; its number tells it from others.
    pub fn add(
        &mut self,
        number: usize,
        prompt: &AnsweredPrompt,
        decision: &Decision,
        scores: &[Option<f64>],
        preferences: &[Preference],
        labelled: Option<&Labelled>,
    ) {
        self.without_outcome += u64::from(scores.iter().all(Option::is_none));
        for (model, sums) in self.sums.iter_mut().enumerate() {
            let Some(score) = scores.get(model).copied().flatten() else { continue };
            sums.prompts += 1;
            sums.score += score;
            if let Some(cost) = cost(prompt, model) {
                sums.cost += cost;
                sums.priced += 1;
            }
        }
        for preference in preferences {
            let counts = self.preferences.entry((preference.first, preference.second)).or_default();
            match place(preference.target) {
                Place::First => counts.wins_of_first += 1,
                Place::Second => counts.wins_of_second += 1,
                Place::Neither => counts.ties += 1,
            }
        }
        match decision {
            Decision::Gold(gold, graded) => {
                self.gold.prompts += 1;
                self.add_gold(gold.kind(), prompt, graded);
                self.add_vote(gold, prompt, decision);
            }
            Decision::Grades(evaluation) | Decision::Comparisons(evaluation, _) => {
                self.llm.prompts += 1;
                self.add_llm(evaluation);
                for preference in preferences {
                    let labels = labelled.map(|labelled| labelled.of(&prompt.query, preference));
                    let rows = labels.unwrap_or_default().iter().map(|label| RatedRow {
                        query: number,
                        label: *label,
                        judged: place(preference.target),
                    });
                    self.rated.extend(rows);
                }
            }
            Decision::Nothing => {}
        }
    }

    fn add_gold(&mut self, kind: &str, prompt: &AnsweredPrompt, graded: &[Graded]) {
        for (answer, graded) in prompt.answers.iter().zip(graded) {
            let name = self.models.get(answer.model).cloned().unwrap_or_default();
            let of_kind = self.gold.kinds.entry(kind.into()).or_default();
            count(of_kind, graded);
            count(self.gold.models.entry(name).or_default(), graded);
        }
    }

    fn add_vote(&mut self, gold: &gold::Gold, prompt: &AnsweredPrompt, decision: &Decision) {
        let scores = decision.answer_scores(prompt);
        let mut samples: Vec<Vec<(&str, f32)>> = vec![Vec::new(); self.models.len()];
        for (answer, score) in prompt.answers.iter().zip(&scores) {
            if let (Some(of), Some(score)) = (samples.get_mut(answer.model), score) {
                of.push((&answer.text, *score));
            }
        }
        let voted = match samples.iter().all(|samples| !samples.is_empty()) {
            true => voting::score(gold, &prompt.query, &samples),
            false => None,
        };
        let Some(voted) = voted else {
            self.voting.left_out += 1;
            return;
        };
        self.voting.prompts += 1;
        let means: Vec<f64> = samples
            .iter()
            .map(|of| of.iter().map(|(_, score)| f64::from(*score)).sum::<f64>() / of.len() as f64)
            .collect();
        let known = self.voting.datasets.iter().position(|row| row.dataset == prompt.dataset);
        let at = known.unwrap_or_else(|| {
            let models = vec![0.0; means.len()];
            let row = VotingRow { dataset: prompt.dataset.clone(), models, ..VotingRow::default() };
            self.voting.datasets.push(row);
            self.voting.datasets.len() - 1
        });
        if let Some(row) = self.voting.datasets.get_mut(at) {
            row.prompts += 1;
            row.voting += voted;
            row.oracle += means.iter().copied().fold(0.0, f64::max);
            row.models.iter_mut().zip(&means).for_each(|(sum, mean)| *sum += mean);
        }
    }

    fn add_llm(&mut self, evaluation: &Evaluation) {
        for comparison in &evaluation.comparisons {
            self.add_state(&comparison.state);
            if let State::Called { said, .. } = comparison.state {
                self.places.add(said);
                let [forward, backward] = said;
                self.same_in_both_orders += u64::from(forward == backward.mirrored());
            }
        }
        for (_, state) in &evaluation.grades {
            self.add_state(state);
            if let State::Called { said, .. } = state {
                *self.llm.grades.entry(*said).or_default() += 1;
            }
        }
    }

    fn add_state<T>(&mut self, state: &State<T>) {
        self.llm.questions += 1;
        match state {
            State::Called { twice, .. } => {
                self.llm.read += 1;
                self.llm.read_on_second_request += u64::from(*twice);
            }
            State::NoCall { why, .. } => {
                *self.llm.without_call.entry(why.name().into()).or_default() += 1;
            }
            State::Unreadable => self.llm.unreadable += 1,
            State::Missing => self.llm.missing += 1,
        }
    }

    /// Counts answers of a prompt that are longer than the judge is shown.
    pub fn add_cut(&mut self, prompt: &AnsweredPrompt, judge: &JudgePrompt) {
        let cut = prompt.answers.iter().filter(|answer| judge.cuts(&answer.text)).count();
        self.llm.answers_cut += cut as u64;
    }

    pub fn means(&self) -> BTreeMap<String, ModelMeans> {
        let mean = |sum: f64, count: u64| sum / count.max(1) as f64;
        let named = self.models.iter().cloned().zip(&self.sums);
        named
            .map(|(name, sums)| {
                let Sums { prompts, score, cost, priced } = *sums;
                let cost_usd = (priced > 0).then(|| mean(cost, priced));
                (name, ModelMeans { prompts, score: mean(score, prompts), cost_usd })
            })
            .collect()
    }

    pub fn preferences(&self) -> BTreeMap<String, PairCounts> {
        let name = |at: usize| self.models.get(at).map_or("", String::as_str);
        let named = |(&(first, second), counts): (&(usize, usize), &PairCounts)| {
            (format!("{} / {}", name(first), name(second)), *counts)
        };
        self.preferences.iter().map(named).collect()
    }

    pub fn gold(&self, commands: Option<&CommandLimits>) -> GoldReport {
        GoldReport { commands: commands.cloned(), ..self.gold.clone() }
    }

    /// What the LLM said; the caller adds what was asked and spent.
    ///
    /// # Errors
    /// Those of the bootstrap.
    pub fn llm(&self, labelled: Option<&Labelled>) -> Result<LlmReport, TrainerError> {
        let compared =
            self.places.first + self.places.second + self.places.balanced + self.places.ties;
        Ok(LlmReport {
            consistent: Proportion::of(self.same_in_both_orders, compared),
            position_bias: PositionBias::of(self.places),
            agreement: Agreement::of(&self.rated, bootstrap::Settings::default())?,
            labels_without_verdict: labelled
                .map_or(0, |labelled| (labelled.rows - self.rated.len().min(labelled.rows)) as u64),
            ..self.llm.clone()
        })
    }

    /// Mean scores of voting; `None` without a prompt, and of fewer than three LLMs, which have no majority.
    pub fn voting(&self) -> Option<VotingReport> {
        if self.voting.prompts == 0 || self.models.len() < 3 {
            return None;
        }
        let mut report = self.voting.clone();
        for row in &mut report.datasets {
            let prompts = row.prompts.max(1) as f64;
            row.voting /= prompts;
            row.oracle /= prompts;
            row.models.iter_mut().for_each(|sum| *sum /= prompts);
        }
        report.datasets.sort_by(|a, b| a.dataset.cmp(&b.dataset));
        Some(report)
    }
}

/// The LLM that a preference's target names.
fn place(target: f64) -> Place {
    match target {
        target if target > 0.5 => Place::First,
        target if target < 0.5 => Place::Second,
        _ => Place::Neither,
    }
}

fn count(counts: &mut GoldCounts, graded: &Graded) {
    let mark = match graded {
        Graded::Compared(grade) => grade.mark,
        Graded::Ran { mark, ended_at_limit } => {
            counts.ended_at_limit += u64::from(*ended_at_limit);
            *mark
        }
        Graded::NoAnswer(_) => {
            counts.no_answer += 1;
            return;
        }
        Graded::NotRun => {
            counts.not_run += 1;
            return;
        }
    };
    match mark {
        Mark::Right => counts.right += 1,
        Mark::Wrong => counts.wrong += 1,
        Mark::NothingFound => counts.nothing_found += 1,
    }
}
