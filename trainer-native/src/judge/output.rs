//! The files that are written: outcomes and preferences in the trainer's own formats, and what was said of each
//! answer. Each is written beside its place and renamed when it is whole; one that would have no row is
//! not left behind.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use super::evaluate::{Evaluation, State};
use super::mark::Mark;
use super::scored::{Decision, Graded, Preference};
use crate::data::AnsweredPrompt;
use crate::error::TrainerError;
use crate::eval::position_bias::Place;

/// Lines of JSON.
pub(super) struct Lines {
    path: PathBuf,
    partial: PathBuf,
    writer: BufWriter<File>,
    pub rows: u64,
}

impl Lines {
    pub fn create(folder: &Path, name: &str) -> Result<Self, TrainerError> {
        let (path, partial) = (folder.join(name), folder.join(format!("{name}.partial")));
        let file = File::create(&partial).map_err(TrainerError::file(&partial))?;
        Ok(Self { path, partial, writer: BufWriter::new(file), rows: 0 })
    }

    pub fn write(&mut self, row: &impl Serialize) -> Result<(), TrainerError> {
        self.rows += 1;
        let written = serde_json::to_writer(&mut self.writer, row).map_err(std::io::Error::from);
        written
            .and_then(|()| self.writer.write_all(b"\n"))
            .map_err(TrainerError::file(&self.partial))
    }

    /// Puts the file in its place, or removes what lies there where it has no rows. Returns the rows.
    pub fn finish(mut self) -> Result<u64, TrainerError> {
        let error = TrainerError::file(&self.partial);
        self.writer.flush().map_err(&error)?;
        self.writer.get_ref().sync_all().map_err(&error)?;
        if self.rows > 0 {
            std::fs::rename(&self.partial, &self.path).map_err(&error)?;
            return Ok(self.rows);
        }
        std::fs::remove_file(&self.partial).map_err(&error)?;
        if self.path.exists() {
            std::fs::remove_file(&self.path).map_err(TrainerError::file(&self.path))?;
        }
        Ok(0)
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // There is no such file any more where the lines are in their place.
        let _ = std::fs::remove_file(&self.partial);
    }
}

/// Who judged a prompt, as rows state it.
#[derive(Debug, Clone, Copy)]
pub(super) struct By<'a> {
    /// The LLM's `id`, or `gold`.
    pub judge: &'a str,
    pub prompt_version: &'a str,
}

#[derive(Serialize)]
pub(super) struct OutcomeLine<'a> {
    id: &'a str,
    query: &'a str,
    dataset: &'a str,
    scores: BTreeMap<&'a str, f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    costs: BTreeMap<&'a str, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score_scale: Option<f64>,
    judge: &'a str,
    prompt_version: &'a str,
}

/// Mean cost of an LLM's answers to a prompt, where each states one.
pub(super) fn cost(prompt: &AnsweredPrompt, model: usize) -> Option<f64> {
    let costs = prompt.answers.iter().filter(|answer| answer.model == model);
    let costs: Option<Vec<f64>> = costs.map(|answer| answer.cost_usd).collect();
    let costs = costs.filter(|costs| !costs.is_empty())?;
    Some(costs.iter().sum::<f64>() / costs.len() as f64)
}

/// The row of outcomes; `None` where no LLM has a score.
pub(super) fn outcome<'a>(
    prompt: &'a AnsweredPrompt,
    models: &'a [String],
    scores: &[Option<f64>],
    score_scale: f64,
    by: By<'a>,
) -> Option<OutcomeLine<'a>> {
    let scored = || {
        models
            .iter()
            .enumerate()
            .filter_map(|(at, name)| Some((at, name.as_str(), (*scores.get(at)?)?)))
    };
    let found: BTreeMap<&str, f64> = scored().map(|(_, name, score)| (name, score)).collect();
    let costs = scored().filter_map(|(at, name, _)| Some((name, cost(prompt, at)?))).collect();
    (!found.is_empty()).then_some(OutcomeLine {
        id: &prompt.id,
        query: &prompt.query,
        dataset: &prompt.dataset,
        scores: found,
        costs,
        score_scale: (score_scale != 1.0).then_some(score_scale),
        judge: by.judge,
        prompt_version: by.prompt_version,
    })
}

#[derive(Serialize)]
pub(super) struct PreferenceLine<'a> {
    id: String,
    query: &'a str,
    dataset: &'a str,
    model_a: &'a str,
    model_b: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    winner: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    costs: BTreeMap<&'a str, f64>,
    judge: &'a str,
    prompt_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f32>,
}

/// Hybrid-LLM's labels in place of who won.
#[derive(Debug, Clone, Copy)]
pub(super) struct HybridLabel {
    pub name: &'static str,
    pub threshold: f32,
}

/// The row of a preference. `target` is P(first is better).
pub(super) fn preference<'a>(
    prompt: &'a AnsweredPrompt,
    models: &'a [String],
    preference: Preference,
    label: Option<HybridLabel>,
    by: By<'a>,
) -> PreferenceLine<'a> {
    let Preference { first, second, target } = preference;
    let name = |at: usize| models.get(at).map_or("", String::as_str);
    let winner = match target {
        _ if label.is_some() => None,
        1.0 => Some("model_a"),
        0.0 => Some("model_b"),
        0.5 => Some("tie"),
        _ => None,
    };
    PreferenceLine {
        id: format!("{}#{first}-{second}", prompt.id),
        query: &prompt.query,
        dataset: &prompt.dataset,
        model_a: name(first),
        model_b: name(second),
        winner,
        target: winner.is_none().then_some(target),
        costs: [first, second]
            .into_iter()
            .filter_map(|at| Some((name(at), cost(prompt, at)?)))
            .collect(),
        judge: by.judge,
        prompt_version: by.prompt_version,
        labels: label.map(|label| label.name),
        threshold: label.map(|label| label.threshold),
    }
}

/// What was said of each answer or comparison of a prompt, for `judged.jsonl`.
pub(super) fn judged(
    prompt: &AnsweredPrompt,
    models: &[String],
    decision: &Decision,
    by: By<'_>,
) -> Vec<Value> {
    let answer = |at: usize| prompt.answers.get(at);
    let name = |at: usize| answer(at).and_then(|answer| models.get(answer.model));
    let sample = |at: usize| answer(at).map(|answer| answer.sample);
    match decision {
        Decision::Gold(gold, graded) => graded
            .iter()
            .enumerate()
            .map(|(at, graded)| {
                let (mark, extracted) = said_of(graded);
                json!({
                    "id": prompt.id, "model": name(at), "sample": sample(at), "judge": by.judge,
                    "prompt_version": by.prompt_version, "kind": gold.kind(), "mark": mark,
                    "extracted": extracted,
                })
            })
            .collect(),
        Decision::Grades(Evaluation { grades, .. }) => grades
            .iter()
            .map(|(at, state)| {
                json!({
                    "id": prompt.id, "model": name(*at), "sample": sample(*at), "judge": by.judge,
                    "prompt_version": by.prompt_version, "state": state_name(state),
                    "grade": state.said(),
                })
            })
            .collect(),
        Decision::Comparisons(Evaluation { comparisons, .. }, _) => comparisons
            .iter()
            .map(|c| {
                let said = c.state.said().map(|[forward, backward]| {
                    // By the LLM's name, in the order in which they were asked.
                    [better(forward, name(c.a), name(c.b)), better(backward, name(c.b), name(c.a))]
                });
                json!({
                    "id": prompt.id, "model_a": name(c.a), "model_b": name(c.b), "sample_a": sample(c.a),
                    "sample_b": sample(c.b), "judge": by.judge, "prompt_version": by.prompt_version,
                    "state": state_name(&c.state), "better": said,
                })
            })
            .collect(),
        Decision::Nothing => Vec::new(),
    }
}

fn said_of(graded: &Graded) -> (&'static str, Option<&str>) {
    let mark_name = |mark: &Mark| match mark {
        Mark::Right => "right",
        Mark::Wrong => "wrong",
        Mark::NothingFound => "nothing-found",
    };
    match graded {
        Graded::Compared(grade) => (mark_name(&grade.mark), grade.extracted.as_deref()),
        Graded::Ran { ended_at_limit: true, .. } => ("ended-at-limit", None),
        Graded::Ran { mark, .. } => (mark_name(mark), None),
        Graded::NoAnswer(why) => (why.name(), None),
        Graded::NotRun => ("not-run", None),
    }
}

fn state_name<T>(state: &State<T>) -> &'static str {
    match state {
        State::Called { twice: false, .. } => "read",
        State::Called { twice: true, .. } => "read-on-second-request",
        State::NoCall { why, .. } => why.name(),
        State::Unreadable => "unreadable",
        State::Missing => "missing",
    }
}

/// The LLM that a verdict names, `tie` for none.
fn better<'a>(place: Place, first: Option<&'a String>, second: Option<&'a String>) -> &'a str {
    match place {
        Place::First => first.map_or("", String::as_str),
        Place::Second => second.map_or("", String::as_str),
        Place::Neither => "tie",
    }
}
