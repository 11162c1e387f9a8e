//! The scores and preferences of one prompt's answers, from whatever decides it.

use pointsman::judge::{BEST_GRADE, target};

use super::evaluate::{Evaluation, NoCall, none_given};
use super::gold::Gold;
use super::hybrid::Differences;
use super::mark::{Grade, Mark};
use super::ranking::{self, Ranking};
use crate::data::AnsweredPrompt;

/// How one answer compares with the gold answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Graded {
    Compared(Grade),
    /// A command was run; whether it was ended at a limit.
    Ran {
        mark: Mark,
        ended_at_limit: bool,
    },
    /// Refused, filtered or empty: scores 0.
    NoAnswer(NoCall),
    /// Not scored.
    NotRun,
}

impl Graded {
    pub fn score(&self) -> Option<f32> {
        match self {
            Self::Compared(grade) => Some(grade.mark.score()),
            Self::Ran { mark, .. } => Some(mark.score()),
            Self::NoAnswer(_) => Some(0.0),
            Self::NotRun => None,
        }
    }
}

/// What decided a prompt.
#[derive(Debug)]
pub(super) enum Decision {
    /// Its gold answer; one entry an answer.
    Gold(Gold, Vec<Graded>),
    /// An LLM's grades.
    Grades(Evaluation),
    /// An LLM's comparisons.
    Comparisons(Evaluation, Ranking),
    /// Nothing: it has no gold answer, and no LLM judges.
    Nothing,
}

/// A preference between two LLMs: the mean of 1 where the first is better, 0 where the second is, 1/2 for ties.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Preference {
    pub first: usize,
    pub second: usize,
    pub target: f64,
}

impl Decision {
    /// Grades the answers to a prompt; `run` gives how a command ended.
    pub fn by_gold(
        gold: Gold,
        prompt: &AnsweredPrompt,
        run: impl Fn(&str) -> Option<(Mark, bool)>,
    ) -> Self {
        let graded = prompt.answers.iter().map(|answer| match none_given(answer) {
            Some(why) => Graded::NoAnswer(why),
            None => match gold.grade(&prompt.query, &answer.text) {
                Some(grade) => Graded::Compared(grade),
                None => run(&answer.text).map_or(Graded::NotRun, |(mark, ended_at_limit)| {
                    Graded::Ran { mark, ended_at_limit }
                }),
            },
        });
        let graded = graded.collect();
        Self::Gold(gold, graded)
    }

    /// Scores of the answers themselves, in [0, 1]; none of comparisons.
    pub fn answer_scores(&self, prompt: &AnsweredPrompt) -> Vec<Option<f32>> {
        match self {
            Self::Gold(_, graded) => graded.iter().map(Graded::score).collect(),
            Self::Grades(evaluation) => {
                let share = |grade: u8| f32::from(grade) / f32::from(BEST_GRADE);
                evaluation.grades.iter().map(|(_, state)| state.said().map(share)).collect()
            }
            Self::Comparisons(..) | Self::Nothing => vec![None; prompt.answers.len()],
        }
    }

    /// Mean score of each of `models` LLMs over its samples.
    pub fn model_scores(&self, prompt: &AnsweredPrompt, models: usize) -> Vec<Option<f64>> {
        if let Self::Comparisons(evaluation, method) = self {
            let decided: Vec<ranking::Decided> = evaluation.decided(prompt).collect();
            return ranking::scores(models, &decided, *method, evaluation.left);
        }
        self.samples(prompt, models)
            .into_iter()
            .map(|scores| {
                let sum: f64 = scores.iter().map(|score| f64::from(*score)).sum();
                (!scores.is_empty()).then(|| sum / scores.len() as f64)
            })
            .collect()
    }

    /// The scores of each LLM's samples.
    fn samples(&self, prompt: &AnsweredPrompt, models: usize) -> Vec<Vec<f32>> {
        let mut samples = vec![Vec::new(); models];
        for (answer, score) in prompt.answers.iter().zip(self.answer_scores(prompt)) {
            if let (Some(of), Some(score)) = (samples.get_mut(answer.model), score) {
                of.push(score);
            }
        }
        samples
    }

    /// Preferences of all pairs of LLMs that were decided. Scores are compared over all pairs of samples,
    /// comparisons are those that were made.
    pub fn preferences(&self, prompt: &AnsweredPrompt, models: usize) -> Vec<Preference> {
        let samples = self.samples(prompt, models);
        let mut found = Vec::new();
        for (first, a) in samples.iter().enumerate() {
            for (second, b) in samples.iter().enumerate().skip(first + 1) {
                let targets = match self {
                    Self::Comparisons(..) => self.compared(prompt, first, second),
                    _ => a.iter().flat_map(|a| b.iter().map(move |b| order(*a, *b))).collect(),
                };
                if let Some(target) = mean(&targets) {
                    found.push(Preference { first, second, target });
                }
            }
        }
        found
    }

    /// Hybrid-LLM's label of strong (LLM 0) and weak (LLM 1): the share of pairs of samples, or of comparisons, in
    /// which weak is as good as strong, to within the threshold where there are scores.
    pub fn weak_suffices(&self, prompt: &AnsweredPrompt, threshold: f32) -> Option<f64> {
        match self {
            Self::Comparisons(..) => {
                let as_good = |target: f64| if target <= 0.5 { 1.0 } else { 0.0 };
                let targets: Vec<f64> =
                    self.compared(prompt, 0, 1).into_iter().map(as_good).collect();
                mean(&targets)
            }
            _ => self.differences(prompt).label(threshold),
        }
    }

    /// Differences of strong's (LLM 0) and weak's (LLM 1) scores.
    pub fn differences(&self, prompt: &AnsweredPrompt) -> Differences {
        match self.samples(prompt, 2).as_slice() {
            [strong, weak] => Differences::of(strong, weak),
            _ => Differences::default(),
        }
    }

    /// Targets of the comparisons of two LLMs, whichever was written first.
    fn compared(&self, prompt: &AnsweredPrompt, first: usize, second: usize) -> Vec<f64> {
        let Self::Comparisons(evaluation, _) = self else { return Vec::new() };
        let of = |c: ranking::Decided| {
            let target = f64::from(target(c.forward, c.backward));
            match (c.a, c.b) {
                pair if pair == (first, second) => Some(target),
                pair if pair == (second, first) => Some(1.0 - target),
                _ => None,
            }
        };
        evaluation.decided(prompt).filter_map(of).collect()
    }
}

fn order(a: f32, b: f32) -> f64 {
    match a.total_cmp(&b) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Less => 0.0,
        std::cmp::Ordering::Equal => 0.5,
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::data::{Answer, Ending};
    use crate::eval::position_bias::Place;
    use crate::judge::evaluate::{Comparison, State};

    fn prompt(answers: &[(usize, &str)]) -> AnsweredPrompt {
        let answer = |(at, (model, text)): (usize, &(usize, &str))| Answer {
            model: *model,
            sample: at as u32,
            text: (*text).into(),
            ending: if text.is_empty() { Ending::Empty } else { Ending::Stop },
            cost_usd: None,
        };
        AnsweredPrompt {
            id: "1".into(),
            query: "How many?".into(),
            messages: Vec::new(),
            dataset: "own".into(),
            gold: None,
            answers: answers.iter().enumerate().map(answer).collect(),
        }
    }

    #[test]
    fn gold_answers_give_scores_over_samples_and_preferences_over_their_pairs() {
        let gold = Gold::parse(&json!({"numeric": 7})).unwrap();
        let asked = prompt(&[(0, "7"), (0, "8"), (1, "7"), (1, ""), (1, "none"), (1, "7")]);
        let decision = Decision::by_gold(gold, &asked, |_| None);
        assert_eq!(decision.model_scores(&asked, 3), [Some(0.5), Some(0.5), None]);
        let expected = Preference { first: 0, second: 1, target: 0.5 };
        assert_eq!(decision.preferences(&asked, 3), [expected]);
        // Strong right half of the time: weak suffices then half of the time, else always.
        assert_eq!(decision.weak_suffices(&asked, 0.0), Some(0.75));
        assert_eq!(decision.weak_suffices(&asked, 1.0), Some(1.0));
        let Decision::Gold(_, graded) = &decision else { unreachable!() };
        assert_eq!(graded[3], Graded::NoAnswer(NoCall::Empty));
        let Graded::Compared(grade) = &graded[4] else { unreachable!() };
        assert_eq!(grade.mark, Mark::NothingFound);
    }

    #[test]
    fn comparisons_give_preferences_whichever_way_they_are_written() {
        let asked = prompt(&[(0, "a"), (1, "b"), (2, "c")]);
        let won = State::Called { said: [Place::First, Place::Second], twice: false };
        let comparisons = vec![
            Comparison { a: 0, b: 1, state: won },
            Comparison { a: 2, b: 1, state: won },
            Comparison { a: 0, b: 2, state: State::Unreadable },
        ];
        let evaluation = Evaluation { comparisons, ..Evaluation::default() };
        let decision = Decision::Comparisons(evaluation, Ranking::Mean);
        let expected = [
            Preference { first: 0, second: 1, target: 1.0 },
            Preference { first: 1, second: 2, target: 0.0 },
        ];
        assert_eq!(decision.preferences(&asked, 3), expected);
        assert_eq!(decision.model_scores(&asked, 3), [Some(1.0), Some(0.0), Some(1.0)]);
        assert_eq!(decision.weak_suffices(&asked, 0.0), Some(0.0));
        assert!(decision.answer_scores(&asked).iter().all(Option::is_none));
    }

    #[test]
    fn a_command_that_was_not_run_gives_no_score() {
        let gold = Gold::parse(&json!({"tests": "sh {answer}"})).unwrap();
        let asked = prompt(&[(0, "good"), (1, "slow"), (2, "other")]);
        let run = |text: &str| match text {
            "good" => Some((Mark::Right, false)),
            "slow" => Some((Mark::Wrong, true)),
            _ => None,
        };
        let decision = Decision::by_gold(gold, &asked, run);
        assert_eq!(decision.model_scores(&asked, 3), [Some(1.0), Some(0.0), None]);
        assert_eq!(decision.preferences(&asked, 3).len(), 1);
    }
}
