//! Answers on disk: one file that only grows, which a kill at any byte leaves readable.
//!
//! A request is written down with the most that it can cost before it is sent (`intent`), and again with what
//! it cost when its answer is there. What a killed process had sent counts at its most, so money is never
//! forgotten, and [`claim`](CompletionStore::claim) keeps what is spent and what is reserved below a cap over
//! all threads and all runs.
//!
//! In memory are, for each answer, its key and its place in the file.

mod file;
mod record;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::completion::Completion;
use super::money::Money;
use super::request_key::RequestKey;
use crate::error::TrainerError;
use file::StoreFile;
use record::{Kind, Record};

/// How often a wait for money looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// A folder of answers, opened by one process at a time.
#[derive(Debug)]
pub struct CompletionStore {
    folder: PathBuf,
    found: Found,
    state: Mutex<State>,
    settled: Condvar,
}

#[derive(Debug)]
struct State {
    file: StoreFile,
    /// Where the line of each answer begins.
    places: HashMap<RequestKey, u64>,
    /// Reservations of requests that this process has sent.
    in_flight: HashMap<RequestKey, Money>,
    reserved: Money,
    spent: Money,
}

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Answers.
    pub answers: u64,
    /// Answers that stood there twice, of which the first counts.
    pub repeated: u64,
    /// Bytes of a half-written last line, which were cut off.
    pub torn_bytes: u64,
    /// Lines with a wrong sum, which are left out.
    pub damaged: u64,
    /// Requests that were sent and whose answers did not come to be stored.
    pub lost: u64,
    lost_cost: Money,
}

impl Found {
    /// The most that the lost requests can have cost, which counts as spent, in US dollars.
    #[must_use]
    pub fn lost_usd(&self) -> f64 {
        self.lost_cost.usd()
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers", self.answers)?;
        if self.torn_bytes > 0 {
            write!(f, "; a half-written last line of {} bytes was cut off", self.torn_bytes)?;
        }
        if self.damaged > 0 {
            write!(f, "; {} damaged lines are left out and will be asked again", self.damaged)?;
        }
        if self.repeated > 0 {
            write!(f, "; {} answers stand there twice", self.repeated)?;
        }
        if self.lost > 0 {
            let (lost, usd) = (self.lost, self.lost_usd());
            write!(
                f,
                "; {lost} requests were sent whose answers were lost, counted at the most that \
                 they can have cost, USD {usd:.6}"
            )?;
        }
        Ok(())
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// It may be sent: its reservation is on disk.
    Granted,
    /// Its answer is stored.
    Answered,
    /// Another thread has sent it.
    InFlight,
    /// It could pass the cap.
    Cap,
    /// `ended` said so during the wait for others' reservations.
    Ended,
}

impl CompletionStore {
    /// Opens the store of a folder, which is made where it is absent. A half-written last line is cut off.
    ///
    /// # Errors
    /// [`TrainerError::StoreInUse`] while another process has it open; [`TrainerError::BadStore`] where the
    /// folder holds something else; [`TrainerError::File`].
    pub fn open(folder: &Path) -> Result<Self, TrainerError> {
        let mut file = StoreFile::open(folder)?;
        let mut found = Found::default();
        let mut places = HashMap::new();
        let mut open_intents: HashMap<RequestKey, Money> = HashMap::new();
        let mut spent = Money::ZERO;
        let read = file.read(&mut |at, line| {
            let Some(record) = Record::parse(line) else {
                found.damaged += 1;
                return;
            };
            // A second intent for a key was written after the process of the first was killed.
            let replaced = match record.kind {
                Kind::Intent => open_intents.insert(record.key, record.amount),
                Kind::Answer | Kind::Closed => {
                    open_intents.remove(&record.key);
                    spent = spent.plus(record.amount);
                    None
                }
            };
            if let Some(lost) = replaced {
                found.lost += 1;
                found.lost_cost = found.lost_cost.plus(lost);
            }
            if record.kind == Kind::Answer {
                match places.contains_key(&record.key) {
                    true => found.repeated += 1,
                    false => drop(places.insert(record.key, at)),
                }
            }
        })?;
        found.torn_bytes = read;
        found.answers = places.len() as u64;
        for lost in open_intents.values() {
            found.lost += 1;
            found.lost_cost = found.lost_cost.plus(*lost);
        }
        let state = State {
            file,
            places,
            in_flight: HashMap::new(),
            reserved: Money::ZERO,
            spent: spent.plus(found.lost_cost),
        };
        Ok(Self {
            folder: folder.to_owned(),
            found,
            state: Mutex::new(state),
            settled: Condvar::new(),
        })
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What opening found.
    #[must_use]
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// Number of answers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state().places.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[must_use]
    pub fn contains(&self, key: &RequestKey) -> bool {
        self.state().places.contains_key(key)
    }

    /// The answer of a key, read from disk.
    ///
    /// # Errors
    /// [`TrainerError::File`]; [`TrainerError::BadStore`] where the file was changed meanwhile.
    pub fn get(&self, key: &RequestKey) -> Result<Option<Completion>, TrainerError> {
        let mut state = self.state();
        let Some(&at) = state.places.get(key) else { return Ok(None) };
        let line = state.file.line(at)?;
        let record = Record::parse(&line).filter(|record| record.key == *key);
        let parsed = record.map(|record| serde_json::from_str::<Completion>(record.json));
        match parsed {
            Some(Ok(completion)) => Ok(Some(Completion { key: *key, ..completion })),
            Some(Err(error)) => Err(state.file.bad(&format!("the answer {key}: {error}"))),
            None => Err(state.file.bad(&format!("the answer {key} changed while it was open"))),
        }
    }

    /// US dollars that the store's requests cost, over all runs; of requests without a known cost the most that
    /// they can have cost.
    #[must_use]
    pub fn spent_usd(&self) -> f64 {
        self.state().spent.usd()
    }

    /// Writes what was stored through to the disk.
    ///
    /// # Errors
    /// [`TrainerError::File`].
    pub fn sync(&self) -> Result<(), TrainerError> {
        self.state().file.sync()
    }

    /// Asks whether a request that costs at most `most` may be sent, and writes it down if so. Waits while
    /// reservations of requests in flight are all that stands against it.
    pub(super) fn claim(
        &self,
        key: RequestKey,
        most: Money,
        cap: Option<Money>,
        ended: &dyn Fn() -> bool,
    ) -> Result<Claim, TrainerError> {
        let mut state = self.state();
        loop {
            if state.places.contains_key(&key) {
                return Ok(Claim::Answered);
            }
            if state.in_flight.contains_key(&key) {
                return Ok(Claim::InFlight);
            }
            let cap = cap.unwrap_or(Money(u64::MAX));
            if state.spent.plus(most) > cap {
                return Ok(Claim::Cap);
            }
            if state.spent.plus(state.reserved).plus(most) <= cap {
                state.append(Record { kind: Kind::Intent, key, amount: most, json: "null" })?;
                state.reserved = state.reserved.plus(most);
                state.in_flight.insert(key, most);
                return Ok(Claim::Granted);
            }
            if ended() {
                return Ok(Claim::Ended);
            }
            let waited = self.settled.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends a claim by its answer, which cost `amount`.
    pub(super) fn put(&self, completion: &Completion, amount: Money) -> Result<(), TrainerError> {
        let mut state = self.state();
        let json = serde_json::to_string(completion)
            .map_err(|error| state.file.bad(&format!("an answer cannot be written: {error}")))?;
        let key = completion.key;
        let at = state.append(Record { kind: Kind::Answer, key, amount, json: &json })?;
        state.places.insert(key, at);
        self.release(state, key, amount);
        Ok(())
    }

    /// Ends a claim without an answer; `amount` is the most that the request can have cost.
    pub(super) fn close(
        &self,
        key: RequestKey,
        amount: Money,
        reason: &str,
    ) -> Result<(), TrainerError> {
        let mut state = self.state();
        let json = serde_json::Value::from(reason).to_string();
        state.append(Record { kind: Kind::Closed, key, amount, json: &json })?;
        self.release(state, key, amount);
        Ok(())
    }

    fn release(&self, mut state: MutexGuard<'_, State>, key: RequestKey, amount: Money) {
        let most = state.in_flight.remove(&key).unwrap_or_default();
        state.reserved = state.reserved.minus(most);
        state.spent = state.spent.plus(amount);
        drop(state);
        self.settled.notify_all();
    }

    /// No code panics while it holds the lock, and each change is whole before the next.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn append(&mut self, record: Record<'_>) -> Result<u64, TrainerError> {
        self.file.append(record.line().as_bytes())
    }
}

#[cfg(test)]
mod tests;
