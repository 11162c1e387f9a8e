//! Scores of a new LLM on the queries that a `knn` run remembers.
//!
//! A memory holds embeddings and no texts: a question is remembered where the memory has its embedding
//! ([`Memory::rows_of`]). Such rows of the data label the memory, several of the same embedding with their
//! mean. A remembered query without a label of the new LLM is no neighbour in its mean, as the engine
//! defines it for any LLM that was not measured everywhere: the new LLM's quality is the mean over the
//! most similar queries *with* its label. The known LLMs' labels, and with them their qualities, stay.
//!
//! Rows whose question is not remembered are not learnt from but scored: on a remembered one the known LLMs
//! are rated by their answers to that very question.
//!
//! [`Memory::rows_of`]: pointsman::Memory::rows_of

use std::sync::atomic::AtomicBool;

use super::{KnownRun, LEAST_ROWS, Rows};
use crate::assess::embeddings;
use crate::data::{Outcomes, Stems};
use crate::error::TrainerError;

impl KnownRun {
    /// The rows whose question the memory holds, to learn from, and the others, to score. A stated `test`
    /// takes the place of the latter, less what the memory holds.
    ///
    /// # Errors
    /// [`TrainerError::BadCandidate`] where the memory holds fewer than [`LEAST_ROWS`] of the questions.
    pub(super) fn remembered_rows(
        &self,
        model: &str,
        outcomes: &Outcomes,
        test: Option<Outcomes>,
        stop: &AtomicBool,
    ) -> Result<Rows, TrainerError> {
        let column = self.column(model, outcomes)?;
        let known = self.columns(outcomes);
        let held_back = test.as_ref().map(Stems::from_outcomes).unwrap_or_default();
        let mut seen = Stems::default();
        let measured: Vec<usize> = (0..outcomes.rows.len())
            .filter(|&at| {
                let row = &outcomes.rows[at];
                row.score(column).is_some() && seen.insert(&row.query)
            })
            .collect();
        let places = self.remembered(&outcomes.select(&measured), stop)?;
        let (mut learnt, mut scored, mut leaks) = (Vec::new(), Vec::new(), 0);
        for (&at, places) in measured.iter().zip(&places) {
            let row = &outcomes.rows[at];
            if held_back.contains(&row.query) {
                leaks += 1;
            } else if !places.is_empty() {
                learnt.push(at);
            } else if known.iter().flatten().any(|&llm| row.score(llm).is_some()) {
                scored.push(at);
            }
        }
        if learnt.len() < LEAST_ROWS {
            return Err(TrainerError::BadCandidate {
                model: model.to_owned(),
                detail: format!(
                    "the run remembers {} of the {} questions that it was measured on, expected at \
                     least {LEAST_ROWS}. A router of kind \"knn\" knows an LLM by its scores on \
                     remembered queries: measure it on queries that the run was trained on",
                    learnt.len(),
                    measured.len() - leaks
                ),
            });
        }
        let test = match test {
            Some(test) => {
                let places = self.remembered(&test, stop)?;
                let new: Vec<usize> =
                    (0..places.len()).filter(|&at| places[at].is_empty()).collect();
                test.select(&new)
            }
            None => outcomes.select(&scored),
        };
        Ok(Rows { learnt, leaks, test })
    }

    /// The LLM's score on each remembered query, `[N]`.
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn memory_labels(
        &self,
        model: &str,
        outcomes: &Outcomes,
        stop: &AtomicBool,
    ) -> Result<Vec<Option<f32>>, TrainerError> {
        let column = self.column(model, outcomes)?;
        let mut found: Vec<Vec<f32>> = vec![Vec::new(); self.int8.memory()?.rows()];
        for (row, places) in outcomes.rows.iter().zip(self.remembered(outcomes, stop)?) {
            let Some(score) = row.score(column) else { continue };
            places.into_iter().for_each(|place| found[place].push(score));
        }
        let mean = |scores: &Vec<f32>| scores.iter().sum::<f32>() / scores.len() as f32;
        Ok(found.iter().map(|scores| (!scores.is_empty()).then(|| mean(scores))).collect())
    }

    /// The remembered queries that each row asks.
    fn remembered(
        &self,
        outcomes: &Outcomes,
        stop: &AtomicBool,
    ) -> Result<Vec<Vec<usize>>, TrainerError> {
        let memory = self.int8.memory()?;
        let queries: Vec<&str> = outcomes.rows.iter().map(|row| row.query.as_str()).collect();
        let found = embeddings(&self.int8.router, &queries, stop)?;
        let rows = |embedding: Option<Vec<f32>>| memory.rows_of(&embedding.unwrap_or_default());
        Ok(found.into_iter().map(rows).collect())
    }
}
