//! RouteLLM's MT-Bench evaluation (arXiv 2406.18665): a folder of questions and of an LLM judge's
//! scores, 1 to 10 a turn.
//!
//! ```json
//! {"question_id": 7, "category": "writing", "turns": ["Describe a lighthouse.", "Now in rhyme."]}
//! ```
//! ```json
//! {"question_id": 7, "model": "small", "judge": ["large", "single-v1"], "score": 8, "turn": 1}
//! ```
//!
//! Two turns are judged and the first one is routed: a row's query is the first turn, its score the
//! mean over the judged turns. Scores are kept as tenths, in [0.1, 1], with the table's scale set
//! to 10. A judgement that failed (score -1), that names no known question, or that repeats a turn
//! is a bad row; the mean is then over the other turns. Files of questions and files of judgements
//! are distinguished by their fields, not by their names.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::DataError;
use super::bad_row::RowFault;
use super::lines::{for_each_line, json_fault};
use super::row_sink::{ParsedRow, RowSink};
use super::score_map::required;

/// The data set's name in every row.
pub const DATASET: &str = "mt-bench";

pub const SCORE_SCALE: f32 = 10.0;

#[derive(Deserialize)]
#[serde(expecting = "a question (question_id, turns) or a judgement (question_id, model, score)")]
struct JsonRow {
    question_id: Option<Value>,
    category: Option<String>,
    turns: Option<Vec<String>>,
    model: Option<String>,
    score: Option<f64>,
    turn: Option<u32>,
}

struct Question {
    file: usize,
    line: u64,
    category: Option<String>,
    query: String,
}

/// Sum and number of a model's scores on a question.
#[derive(Default)]
struct Judged {
    turns: HashSet<u32>,
    sum: f64,
}

/// A judgement, kept until all questions are known.
struct Judgement {
    file: usize,
    line: u64,
    question: String,
    model: String,
    turn: u32,
    score: f64,
}

#[derive(Default)]
struct Source {
    questions: BTreeMap<Id, Question>,
    judgements: Vec<Judgement>,
}

/// Order of question ids: numbers by value, before other names.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Id(u64, String);

impl Id {
    fn new(text: &str) -> Id {
        Id(text.parse().unwrap_or(u64::MAX), text.to_owned())
    }
}

pub(super) fn read_files(
    path: &Path,
    files: &[PathBuf],
    sink: &mut RowSink<'_>,
) -> Result<(), DataError> {
    let mut source = Source::default();
    for (at, file) in files.iter().enumerate() {
        for_each_line(file, sink, |sink, line, text| {
            match text.and_then(|text| source.take(at, line, text)) {
                Ok(()) => Ok(()),
                Err(fault) => sink.log.reject(line, fault),
            }
        })?;
    }
    source.check_parts(path)?;
    source.push_rows(files, sink)
}

impl Source {
    fn take(&mut self, file: usize, line: u64, text: &str) -> Result<(), RowFault> {
        let row: JsonRow = serde_json::from_str(text).map_err(|error| json_fault(&error))?;
        let question = match required(row.question_id, "question_id")? {
            Value::String(id) => id,
            Value::Number(id) => id.to_string(),
            other => {
                return Err(RowFault::new(
                    "wrong_type",
                    format!("found {other} as question_id, expected a number or a text"),
                ));
            }
        };
        match row.turns {
            Some(turns) => self.take_question(file, line, &question, row.category, turns),
            None => {
                let judgement = Judgement {
                    file,
                    line,
                    model: required(row.model, "model")?,
                    score: checked_score(required(row.score, "score")?)?,
                    turn: required(row.turn, "turn")?,
                    question,
                };
                self.judgements.push(judgement);
                Ok(())
            }
        }
    }

    fn take_question(
        &mut self,
        file: usize,
        line: u64,
        id: &str,
        category: Option<String>,
        turns: Vec<String>,
    ) -> Result<(), RowFault> {
        let id = Id::new(id);
        if let Some(first) = self.questions.get(&id) {
            return Err(RowFault::new(
                "duplicate_id",
                format!(
                    "found the question_id {:?} again (first at line {}), expected ids to be unique",
                    id.1, first.line
                ),
            ));
        }
        let query = turns.into_iter().next().ok_or_else(|| {
            RowFault::new("empty_query", "found a question without turns, expected one or more")
        })?;
        self.questions.insert(id, Question { file, line, category, query });
        Ok(())
    }

    fn check_parts(&self, path: &Path) -> Result<(), DataError> {
        let missing = |found: &str| {
            let detail = format!(
                "found {found}, expected MT-Bench questions (turns) and judgements (model, score, \
                 turn). Give the folder that holds both"
            );
            DataError::bad_file(path, detail)
        };
        match (self.questions.is_empty(), self.judgements.is_empty()) {
            (false, true) => Err(missing("MT-Bench questions without judgements")),
            (true, false) => Err(missing("MT-Bench judgements without questions")),
            _ => Ok(()),
        }
    }

    fn push_rows(self, files: &[PathBuf], sink: &mut RowSink<'_>) -> Result<(), DataError> {
        // Models in order of first appearance, as everywhere.
        let mut models: Vec<String> = Vec::new();
        let mut judged: HashMap<(String, String), Judged> = HashMap::new();
        for judgement in self.judgements {
            if !models.contains(&judgement.model) {
                models.push(judgement.model.clone());
            }
            let fault = if self.questions.contains_key(&Id::new(&judgement.question)) {
                let key = (judgement.question, judgement.model);
                let entry = judged.entry(key.clone()).or_default();
                if entry.turns.insert(judgement.turn) {
                    entry.sum += judgement.score;
                    continue;
                }
                RowFault::new(
                    "duplicate_judgement",
                    format!(
                        "found another judgement of {:?} on question {}, turn {}, expected one",
                        key.1, key.0, judgement.turn
                    ),
                )
            } else {
                RowFault::new(
                    "unknown_question",
                    format!(
                        "found the question_id {:?}, expected one of the questions read",
                        judgement.question
                    ),
                )
            };
            sink.log.resume_file(files, judgement.file);
            sink.log.reject(judgement.line, fault)?;
        }
        for (id, question) in self.questions {
            let scores = models.iter().filter_map(|model| {
                let judged = judged.get(&(id.1.clone(), model.clone()))?;
                let mean = judged.sum / judged.turns.len() as f64;
                Some((model.clone(), (mean / f64::from(SCORE_SCALE)) as f32))
            });
            let row = ParsedRow {
                id: id.1.clone(),
                query: question.query,
                dataset: DATASET.to_owned(),
                category: question.category,
                scores: scores.collect(),
                score_scale: SCORE_SCALE,
                ..ParsedRow::default()
            };
            sink.log.resume_file(files, question.file);
            sink.push(question.line, Ok(row))?;
        }
        Ok(())
    }
}

fn checked_score(score: f64) -> Result<f64, RowFault> {
    if (1.0..=f64::from(SCORE_SCALE)).contains(&score) {
        return Ok(score);
    }
    let meaning = if score == -1.0 { " (the judge's answer held no score)" } else { "" };
    Err(RowFault::new(
        "score_out_of_range",
        format!("found the score {score}{meaning}, expected 1 to {SCORE_SCALE}"),
    ))
}
