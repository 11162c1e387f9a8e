//! Chooses, of a file of prompts, those to label next.

use std::sync::atomic::AtomicBool;

use serde::Serialize;
use serde_json::Value;

use super::base::Base;
use super::prompts::Prompts;
use super::select::{Choice, Strategy, select};
use super::uncertainty::near_threshold;
use crate::assess::win_rates;
use crate::data::{PromptRow, Role, split_rows};
use crate::error::TrainerError;

/// Most prompts that are looked at: of more, some are drawn.
const MOST: usize = 20_000;

/// How to choose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    pub count: usize,
    pub strategy: Strategy,
    /// Share of strong calls, in [0, 1], near whose threshold a prompt is uncertain.
    pub strong_share: f64,
    pub seed: u64,
}

/// A prompt to label, as a line of prompts JSONL with what it was chosen by.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Next<'a> {
    pub id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<&'a str>,
    /// In place of `query`, where other turns stand before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<Turn<'a>>>,
    pub dataset: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gold: Option<&'a Value>,
    /// Cluster of the prompts that are about the same.
    pub cluster: usize,
    pub win_rate: f64,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turn<'a> {
    pub role: Role,
    pub content: &'a str,
}

/// The prompts of `rows` to label next, most useful first; none is a near copy of a query of `labelled`.
///
/// # Errors
/// [`TrainerError::TooFewPrompts`] where fewer are left than wanted; those of the engine;
/// [`TrainerError::Interrupted`].
pub fn next<'a>(
    base: &Base,
    rows: &'a [PromptRow],
    labelled: &[String],
    wanted: Wanted,
    stop: &AtomicBool,
) -> Result<Vec<Next<'a>>, TrainerError> {
    let (drawn, _) = split_rows(rows.len(), MOST.max(wanted.count), wanted.seed);
    let rows: Vec<&PromptRow> = drawn.into_iter().filter_map(|at| rows.get(at)).collect();
    let prompts = rows.iter().map(|row| row.query.as_str());
    let queries: Vec<&str> = prompts.chain(labelled.iter().map(String::as_str)).collect();
    let (candidates, known): (Vec<usize>, Vec<usize>) =
        (0..queries.len()).partition(|&at| at < rows.len());
    let read = Prompts::read(&base.encoder, &base.router, &queries, stop)?;
    let rates = win_rates(&base.router, &queries, stop)?;
    let choice = Choice {
        candidates: &candidates,
        labelled: &known,
        uncertainty: &near_threshold(&rates, &candidates, wanted.strong_share),
        count: wanted.count,
        seed: wanted.seed,
    };
    let chosen = select(&read, &choice, wanted.strategy);
    if chosen.len() < wanted.count {
        return Err(TrainerError::TooFewPrompts {
            found: chosen.len(),
            prompts: rows.len(),
            wanted: wanted.count,
        });
    }
    let of = |at: usize| {
        let row = rows[at];
        let turn = |(role, content): &'a (Role, String)| Turn { role: *role, content };
        let has_turns = row.messages.len() > 1;
        Next {
            id: &row.id,
            query: (!has_turns).then_some(&row.query),
            messages: has_turns.then(|| row.messages.iter().map(turn).collect()),
            dataset: &row.dataset,
            gold: row.gold.as_ref(),
            cluster: read.clusters[at],
            win_rate: rates[at],
        }
    };
    Ok(chosen.into_iter().map(of).collect())
}
