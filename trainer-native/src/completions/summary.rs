//! What came of asking: counts, failures and why it stopped.

use std::collections::BTreeMap;

use super::completion::Completion;
use super::finish::Finish;
use super::request_key::RequestKey;

/// Number of failures whose reasons are kept; further ones are only counted.
pub const MAX_STORED_FAILURES: usize = 100;

/// How much may be asked, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Most US dollars that the store's requests may cost in all, those of earlier calls included.
    pub max_usd: Option<f64>,
    /// Requests in flight at once to each model whose entry does not state it.
    pub concurrency: usize,
    /// Most attempts for one answer.
    pub attempts: u32,
    /// Milliseconds of the first wait before another attempt; doubled each time, with jitter.
    pub backoff_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_usd: None, concurrency: 8, attempts: 6, backoff_ms: 500 }
    }
}

/// A request without an answer. It is not stored, so another call asks it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub key: RequestKey,
    /// The `id` of the model.
    pub model: String,
    /// What was found, after how many attempts.
    pub reason: String,
}

/// Why asking ended before the last job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The next request could have passed the cap.
    Cap,
    /// The user asked for it.
    Interrupted,
}

/// A model that is not asked any further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedModel {
    /// Its `id`.
    pub model: String,
    /// What was found, and what to do.
    pub reason: String,
}

/// What came of one call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Answers that were obtained and stored.
    pub asked: u64,
    /// Jobs whose answer was in the store, or that repeat another job of the call.
    pub reused: u64,
    /// The first [`MAX_STORED_FAILURES`] failures.
    pub failed: Vec<Failure>,
    pub failed_count: u64,
    pub stopped: Option<Stopped>,
    pub stopped_models: Vec<StoppedModel>,
    /// Answers obtained in this call by how they ended.
    pub finishes: BTreeMap<Finish, u64>,
    /// Answers of this call whose tokens are estimated.
    pub without_usage: u64,
    /// Attempts beyond the first of each request.
    pub retries: u64,
    /// US dollars that this call cost, of requests without an answer the most that they can have cost.
    pub spent_usd: f64,
}

impl Summary {
    /// Adds the counts of another call.
    pub fn add(&mut self, other: Self) {
        self.asked += other.asked;
        self.reused += other.reused;
        self.failed.extend(other.failed);
        self.failed.truncate(MAX_STORED_FAILURES);
        self.failed_count += other.failed_count;
        self.stopped = match (self.stopped, other.stopped) {
            (Some(Stopped::Interrupted), _) => self.stopped,
            (_, Some(_)) => other.stopped,
            _ => self.stopped,
        };
        self.stopped_models.extend(other.stopped_models);
        for (finish, count) in other.finishes {
            *self.finishes.entry(finish).or_default() += count;
        }
        self.without_usage += other.without_usage;
        self.retries += other.retries;
        self.spent_usd += other.spent_usd;
    }
}

/// What happened to one job.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    Asked(&'a Completion),
    Reused,
    Failed(&'a Failure),
    ModelStopped(&'a StoppedModel),
    /// A model's requests wait, since the upstream asked for it.
    Waits {
        model: &'a str,
        seconds: f64,
    },
}

/// Is told of each job, by several threads.
pub trait Progress: Sync {
    /// `spent_usd` is what the store's requests cost so far, in all.
    fn report(&self, event: Event<'_>, spent_usd: f64);
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _: Event<'_>, _: f64) {}
}
