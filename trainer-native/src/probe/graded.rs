//! Grades the answers of LLMs to the items of a probe.

use std::collections::BTreeMap;

use serde::Serialize;

use super::items::ProbeItem;
use crate::completions::{CompletionRequest, CompletionStore, Finish, ModelEntry, RequestKey};
use crate::data::{OutcomeRow, Outcomes};
use crate::error::TrainerError;
use crate::judge::Mark;

/// Outcomes of the LLMs, and what there is to know of each.
#[derive(Debug)]
pub struct Graded {
    /// In the order in which the LLMs were given.
    pub models: Vec<GradedModel>,
    /// 1 for a right answer, 0 for another; a row for each item that any of the LLMs answered.
    pub outcomes: Outcomes,
}

/// What one LLM answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GradedModel {
    pub id: String,
    pub items: usize,
    pub answered: usize,
    pub right: usize,
    /// Answers in which nothing was found to compare with the gold answer; they count as wrong.
    pub nothing_found: usize,
    /// Answers that ended otherwise than by the LLM itself. Refused, filtered and empty ones count as wrong, cut
    /// ones by what they say.
    pub cut_short: BTreeMap<&'static str, usize>,
    /// Right and answered items of each skill.
    pub by_skill: BTreeMap<String, [usize; 2]>,
    /// The same of each level.
    pub by_level: BTreeMap<u8, [usize; 2]>,
    /// US dollars of the answers, where its prices are known.
    pub cost_usd: Option<f64>,
}

/// Grades what the store holds of the LLMs' answers to the items.
///
/// # Errors
/// Those of the store.
pub fn grade(
    items: &[ProbeItem],
    models: &[ModelEntry],
    store: &CompletionStore,
) -> Result<Graded, TrainerError> {
    let mut graded: Vec<GradedModel> = Vec::new();
    let mut rows: Vec<OutcomeRow> = items.iter().map(row).collect();
    for (column, model) in models.iter().enumerate() {
        let mut of_model =
            GradedModel { id: model.id.clone(), items: items.len(), ..GradedModel::default() };
        for (item, row) in items.iter().zip(&mut rows) {
            let request = CompletionRequest::new(item.messages.clone(), 0);
            let Some(completion) = store.get(&RequestKey::of(model, &request))? else { continue };
            let mark = mark(item, completion.finish, &completion.text);
            row.scores.push((column, mark.score()));
            if let Some(cost) = completion.cost_usd {
                #[allow(clippy::cast_possible_truncation)]
                row.costs.push((column, cost as f32));
                of_model.cost_usd = Some(of_model.cost_usd.unwrap_or_default() + cost);
            }
            of_model.count(item, completion.finish, mark);
        }
        graded.push(of_model);
    }
    rows.retain(|row| !row.scores.is_empty());
    let names = models.iter().map(|model| model.id.clone()).collect();
    Ok(Graded { models: graded, outcomes: Outcomes { models: names, rows, score_scale: 1.0 } })
}

impl Graded {
    /// Refuses a probe of which most items have no answer of the new LLM, the first one.
    ///
    /// # Errors
    /// [`TrainerError::BadCandidate`].
    pub fn check_answered(&self) -> Result<(), TrainerError> {
        match self.models.first() {
            Some(new) if 2 * new.answered < new.items => Err(TrainerError::BadCandidate {
                model: new.id.clone(),
                detail: format!(
                    "{} of {} items were answered, expected at least half of them. The failures are \
                     named above; what was answered is kept, and the same command asks the others again",
                    new.answered, new.items
                ),
            }),
            _ => Ok(()),
        }
    }
}

fn row(item: &ProbeItem) -> OutcomeRow {
    OutcomeRow {
        id: item.id.clone(),
        query: item.query.clone(),
        dataset: item.skill.clone(),
        category: None,
        cluster: None,
        scores: Vec::new(),
        costs: Vec::new(),
    }
}

fn mark(item: &ProbeItem, finish: Finish, answer: &str) -> Mark {
    match finish {
        Finish::Refusal | Finish::Filtered | Finish::Empty => Mark::Wrong,
        // A probe has no item whose answer is a command to run.
        Finish::Stop | Finish::Length => {
            item.gold.grade(&item.query, answer).map_or(Mark::NothingFound, |grade| grade.mark)
        }
    }
}

impl GradedModel {
    fn count(&mut self, item: &ProbeItem, finish: Finish, mark: Mark) {
        let right = usize::from(mark == Mark::Right);
        self.answered += 1;
        self.right += right;
        self.nothing_found += usize::from(mark == Mark::NothingFound);
        if finish != Finish::Stop {
            *self.cut_short.entry(finish.name()).or_default() += 1;
        }
        let add = |[rights, all]: &mut [usize; 2]| {
            *rights += right;
            *all += 1;
        };
        add(self.by_skill.entry(item.skill.clone()).or_default());
        if let Some(level) = item.level {
            add(self.by_level.entry(level).or_default());
        }
    }
}
