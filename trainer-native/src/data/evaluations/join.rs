//! Joins the answers of several models to one row a question.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::data::bad_row::RowFault;
use crate::data::source_log::{Sink, SourceLog};
use crate::data::{DataError, OutcomeRow, Outcomes, ReadOptions};

/// A file may give this many questions another text than the files before it; more are refused
/// where they exceed 1 % of the questions that the file shares with them.
const MOST_OTHER_TEXTS: usize = 10;

/// One model's answer to one question.
pub(super) struct Answer {
    pub model: String,
    /// What the same question has in common in all files: its id, or its text.
    pub key: String,
    pub id: String,
    pub query: String,
    pub dataset: String,
    pub category: Option<String>,
    pub score: f32,
    /// In US dollars, where the file states it.
    pub cost: Option<f32>,
}

/// What makes two answers answers to the same question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// The id. A second answer of a model is bad, and another text under the same id is counted.
    Id,
    /// The text. Further answers of a model in the same file are averaged; of answers in several files,
    /// those of the newest file count.
    Text,
}

/// Rows by question, and the state of the file that is being read.
pub(super) struct Join {
    pub log: SourceLog,
    pub outcomes: Outcomes,
    rule: Rule,
    rows: HashMap<String, usize>,
    ids: HashSet<String>,
    models: HashMap<String, usize>,
    /// What is known of the answers of a model (second) to a question (first), by [`Rule::Text`].
    cells: HashMap<(usize, usize), Cell>,
    /// When each file was made, as it says.
    made: Vec<String>,
    pub other_texts: usize,
    pub other_filters: usize,
    /// Answers averaged with an earlier one of the same model to the same question.
    pub repeated: usize,
    /// Answers left out for those of a newer file.
    pub superseded: usize,
    file: FileCounts,
}

/// The answers of one model to one question in one file.
struct Cell {
    file: usize,
    score: f64,
    answers: u32,
    cost: f64,
    costs: u32,
}

#[derive(Default)]
struct FileCounts {
    path: PathBuf,
    answers: usize,
    /// Answers to questions that an earlier file holds, and those of them with another text.
    shared: usize,
    other_texts: usize,
    first_fault: Option<String>,
}

impl Sink for Join {
    fn log(&mut self) -> &mut SourceLog {
        &mut self.log
    }
}

impl Join {
    pub fn new(rule: Rule, options: &ReadOptions) -> Self {
        Self {
            log: SourceLog::new(options),
            outcomes: Outcomes::default(),
            rule,
            rows: HashMap::new(),
            ids: HashSet::new(),
            models: HashMap::new(),
            cells: HashMap::new(),
            made: Vec::new(),
            other_texts: 0,
            other_filters: 0,
            repeated: 0,
            superseded: 0,
            file: FileCounts::default(),
        }
    }

    /// Begins the counts of a file, made at the time `made` (texts that compare as the times do). The
    /// caller logs the file's start.
    pub fn start(&mut self, path: &Path, made: &str) {
        self.file = FileCounts { path: path.to_owned(), ..FileCounts::default() };
        self.made.push(made.to_owned());
    }

    /// Takes an entry's answer, or logs why the entry holds no answer.
    pub fn push(&mut self, line: u64, answer: Result<Answer, RowFault>) -> Result<(), DataError> {
        match answer.and_then(|answer| self.add(answer)) {
            Ok(()) => Ok(()),
            Err(fault) => {
                self.file.first_fault.get_or_insert_with(|| fault.reason.clone());
                self.log.reject(line, fault)
            }
        }
    }

    fn add(&mut self, answer: Answer) -> Result<(), RowFault> {
        if answer.query.trim().is_empty() {
            return Err(RowFault::new(
                "empty_query",
                format!("found no text of the question {}, expected the text to route", answer.id),
            ));
        }
        if answer.model.trim().is_empty() {
            let reason = "found an answer of a model without a name, expected a name";
            return Err(RowFault::new("empty_model_name", reason));
        }
        let known = self.rows.get(&answer.key).copied();
        if self.rule == Rule::Id
            && let Some(row) = known.and_then(|at| self.outcomes.rows.get(at))
            && let Some(&model) = self.models.get(&answer.model)
            && row.scores.iter().any(|&(scored, _)| scored == model)
        {
            return Err(RowFault::new(
                "duplicate_answer",
                format!(
                    "found a second answer of {} to {}, expected one (the first one counts)",
                    answer.model, answer.id
                ),
            ));
        }
        let at = known.unwrap_or(self.outcomes.rows.len());
        let model = self.model(&answer.model);
        self.file.answers += 1;
        if self.rule == Rule::Text && !self.counts(at, model, &answer) {
            return Ok(());
        }
        if known.is_none() {
            let id = self.free_id(&answer.id);
            self.rows.insert(answer.key, at);
            self.outcomes.rows.push(OutcomeRow {
                id,
                query: answer.query,
                dataset: answer.dataset,
                category: answer.category,
                cluster: None,
                scores: vec![(model, answer.score)],
                costs: answer.cost.map(|cost| (model, cost)).into_iter().collect(),
            });
            return Ok(());
        }
        let cell = self.cells.get(&(at, model));
        let Some(row) = self.outcomes.rows.get_mut(at) else { return Ok(()) };
        self.file.shared += 1;
        if self.rule == Rule::Id {
            let other = usize::from(row.query != answer.query);
            self.file.other_texts += other;
            self.other_texts += other;
        }
        let (score, cost) = match cell {
            None => (answer.score, answer.cost),
            Some(cell) => cell.means(),
        };
        set(&mut row.scores, model, Some(score));
        set(&mut row.costs, model, cost);
        Ok(())
    }

    /// Takes an answer into the cell of its question and model. Returns whether the cell changed.
    fn counts(&mut self, at: usize, model: usize, answer: &Answer) -> bool {
        let file = self.made.len().saturating_sub(1);
        let fresh = Cell { file, score: 0.0, answers: 0, cost: 0.0, costs: 0 };
        let cell = match self.cells.entry((at, model)) {
            std::collections::hash_map::Entry::Vacant(vacant) => vacant.insert(fresh),
            std::collections::hash_map::Entry::Occupied(held) => {
                let held = held.into_mut();
                if held.file == file {
                    self.repeated += 1;
                } else {
                    let made = |file: usize| self.made.get(file);
                    if made(file) <= made(held.file) {
                        self.superseded += 1;
                        return false;
                    }
                    self.superseded += held.answers as usize;
                    *held = fresh;
                }
                held
            }
        };
        cell.score += f64::from(answer.score);
        cell.answers += 1;
        if let Some(cost) = answer.cost {
            cell.cost += f64::from(cost);
            cell.costs += 1;
        }
        true
    }

    /// The id, or the id with a number behind it where another question has the id.
    fn free_id(&mut self, id: &str) -> String {
        let mut free = id.to_owned();
        for number in 2_u64.. {
            if self.ids.insert(free.clone()) {
                break;
            }
            free = format!("{id}-{number}");
        }
        free
    }

    /// The place of a model among the models, added at its first answer.
    fn model(&mut self, name: &str) -> usize {
        if let Some(&at) = self.models.get(name) {
            return at;
        }
        let models = &mut self.outcomes.models;
        models.push(name.to_owned());
        self.models.insert(name.to_owned(), models.len() - 1);
        models.len() - 1
    }

    /// Ends a file: refuses one without an answer, or with the questions of another version.
    pub fn finish(&self, expected: &'static str, remedy: &str) -> Result<(), DataError> {
        let FileCounts { path, answers, shared, other_texts, first_fault } = &self.file;
        if *answers == 0 {
            let found = match first_fault {
                Some(fault) => format!("no entry that can be read (first: {fault})"),
                None => "no entry".to_owned(),
            };
            let detail = format!("found {found}, expected {expected}. {remedy}");
            return Err(DataError::bad_file(path, detail));
        }
        if *other_texts > MOST_OTHER_TEXTS && other_texts * 100 > *shared {
            let detail = format!(
                "found another text of {other_texts} of {shared} questions than the files before it \
                 have under the same ids, expected the same questions and prompts in all files. \
                 Convert files of another version or prompt template by themselves"
            );
            return Err(DataError::bad_file(path, detail));
        }
        Ok(())
    }
}

impl Cell {
    /// The mean score, and the mean cost of the answers that state one.
    #[allow(clippy::cast_possible_truncation)]
    fn means(&self) -> (f32, Option<f32>) {
        let mean = |sum: f64, count: u32| (sum / f64::from(count)) as f32;
        let cost = (self.costs > 0).then(|| mean(self.cost, self.costs));
        (mean(self.score, self.answers.max(1)), cost)
    }
}

/// Sets a model's value in a sparse list, or removes it.
fn set(values: &mut Vec<(usize, f32)>, model: usize, value: Option<f32>) {
    values.retain(|&(of, _)| of != model);
    values.extend(value.map(|value| (model, value)));
}
