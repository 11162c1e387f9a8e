//! Threads that ask: what they share, and what becomes of each request.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::client::{Client, Failed, Outcome, Then};
use super::completion::Completion;
use super::models_file::ModelEntry;
use super::money::{Money, cost};
use super::pace::Pace;
use super::request::CompletionRequest;
use super::request_key::RequestKey;
use super::store::{Claim, CompletionStore};
use super::summary::{
    Event, Failure, Limits, MAX_STORED_FAILURES, Progress, Stopped, StoppedModel, Summary,
};
use super::wire::{self, Answer};
use super::{backoff, tokens};
use crate::error::TrainerError;

/// Requests that fail one after another until their model is stopped.
const MOST_FAILURES_IN_A_ROW: u32 = 25;

/// The longest wait that an upstream may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(900);

/// Requests of one model, taken by its threads.
pub type Requests<'a> = Mutex<Box<dyn Iterator<Item = CompletionRequest> + Send + 'a>>;

/// One call: what all threads share.
pub struct Run<'a> {
    store: &'a CompletionStore,
    limits: &'a Limits,
    cap: Option<Money>,
    progress: &'a dyn Progress,
    stop: &'a AtomicBool,
    capped: AtomicBool,
    broken: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    summary: Summary,
    error: Option<TrainerError>,
    spent: Money,
}

/// One model of a call.
pub struct Asked<'a> {
    entry: &'a ModelEntry,
    client: Client,
    pace: Pace,
    failures_in_a_row: AtomicU32,
    stopped: AtomicBool,
}

/// Why a request has no answer.
enum Unanswered {
    /// It failed, in so many words.
    Failed(String),
    /// Its model or the call ended; it would be asked another time.
    Ended,
    /// Its answer is in the store, or another thread asks for it.
    Known,
}

impl<'a> Asked<'a> {
    /// Checks what can be checked before anything is asked.
    ///
    /// # Errors
    /// [`TrainerError::MissingKey`]; [`TrainerError::UnknownPrice`] where there is a cap.
    pub fn new(entry: &'a ModelEntry, limits: &Limits) -> Result<Self, TrainerError> {
        if limits.max_usd.is_some() && entry.prices().is_none() {
            return Err(TrainerError::UnknownPrice { model: entry.id.clone() });
        }
        let threads = threads(entry, limits);
        Ok(Self {
            entry,
            client: Client::new(entry, threads)?,
            pace: Pace::new(threads, entry.requests_per_minute),
            failures_in_a_row: AtomicU32::new(0),
            stopped: AtomicBool::new(false),
        })
    }

    pub fn entry(&self) -> &'a ModelEntry {
        self.entry
    }
}

/// Threads that ask a model.
pub fn threads(entry: &ModelEntry, limits: &Limits) -> usize {
    entry.concurrency.unwrap_or(limits.concurrency).max(1)
}

impl<'a> Run<'a> {
    /// # Errors
    /// [`TrainerError::BadSetting`] for a limit that is none.
    pub fn new(
        store: &'a CompletionStore,
        limits: &'a Limits,
        progress: &'a dyn Progress,
        stop: &'a AtomicBool,
    ) -> Result<Self, TrainerError> {
        let bad = |setting: &str, detail: String| {
            Err(TrainerError::BadSetting { setting: setting.into(), detail })
        };
        if let Some(usd) = limits.max_usd
            && !(usd.is_finite() && (0.0..=1e6).contains(&usd))
        {
            return bad("max_usd", format!("found {usd}, expected US dollars, 0 to 1000000"));
        }
        if limits.attempts == 0 {
            return bad("attempts", "found 0, expected at least 1".into());
        }
        if !(1..=1024).contains(&limits.concurrency) {
            return bad("concurrency", format!("found {}, expected 1 to 1024", limits.concurrency));
        }
        Ok(Self {
            store,
            limits,
            cap: limits.max_usd.map(Money::of_usd),
            progress,
            stop,
            capped: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            state: Mutex::default(),
        })
    }

    /// Whether no further request is to be sent.
    pub fn ended(&self) -> bool {
        [self.stop, &self.capped, &self.broken].iter().any(|flag| flag.load(Ordering::Relaxed))
    }

    /// Ends the call with an error; the first one is kept.
    pub fn fail(&self, error: TrainerError) {
        self.broken.store(true, Ordering::Relaxed);
        self.state().error.get_or_insert(error);
    }

    /// What came of it, after all threads ended.
    pub fn finish(self) -> Result<Summary, TrainerError> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.store.sync()?;
        if let Some(error) = state.error {
            return Err(error);
        }
        let mut summary = state.summary;
        summary.spent_usd = state.spent.usd();
        summary.stopped = match () {
            () if self.stop.load(Ordering::Relaxed) => Some(Stopped::Interrupted),
            () if self.capped.load(Ordering::Relaxed) => Some(Stopped::Cap),
            () => None,
        };
        Ok(summary)
    }

    /// Asks one request after the other, until there is none or the call ends.
    pub fn work(&self, asked: &Asked<'_>, requests: &Requests<'_>) {
        let ended = || self.ended() || asked.stopped.load(Ordering::Relaxed);
        while !ended() {
            let request = requests.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(request) = request else { break };
            let key = RequestKey::of(asked.entry, &request);
            match self.answer(asked, &request, key, &ended) {
                Ok(Ok(completion)) => {
                    asked.failures_in_a_row.store(0, Ordering::Relaxed);
                    self.count_answer(&completion);
                }
                Ok(Err(Unanswered::Known)) => {
                    self.state().summary.reused += 1;
                    self.report(Event::Reused);
                }
                Ok(Err(Unanswered::Failed(reason))) => self.count_failure(asked, key, reason),
                Ok(Err(Unanswered::Ended)) => {}
                Err(error) => self.fail(error),
            }
        }
    }

    /// Gets the answer of one request by as many attempts as are allowed.
    fn answer(
        &self,
        asked: &Asked<'_>,
        request: &CompletionRequest,
        key: RequestKey,
        ended: &dyn Fn() -> bool,
    ) -> Result<Result<Completion, Unanswered>, TrainerError> {
        if self.store.contains(&key) {
            return Ok(Err(Unanswered::Known));
        }
        let body = wire::body(asked.entry, request);
        let input = tokens::most_input(asked.entry, request);
        let output = u64::from(request.max_tokens(asked.entry));
        let most = cost(asked.entry, input, output).unwrap_or_default();
        let mut claimed = false;
        for attempt in 1..=self.limits.attempts {
            let Some(permit) = asked.pace.start(ended) else {
                self.close(claimed, key, "ended")?;
                return Ok(Err(Unanswered::Ended));
            };
            if !claimed {
                match self.store.claim(key, most, self.cap, ended)? {
                    Claim::Granted => claimed = true,
                    Claim::Answered | Claim::InFlight => return Ok(Err(Unanswered::Known)),
                    Claim::Ended => return Ok(Err(Unanswered::Ended)),
                    Claim::Cap => {
                        self.capped.store(true, Ordering::Relaxed);
                        return Ok(Err(Unanswered::Ended));
                    }
                }
            }
            let failed = match asked.client.ask(&body) {
                Outcome::Answer { answer, latency } => {
                    permit.answered();
                    return self.store_answer(asked, request, key, most, answer, latency).map(Ok);
                }
                Outcome::Failed(failed) => failed,
            };
            match failed.then {
                Then::Retry { limited: true, .. } => permit.limited(),
                _ => drop(permit),
            }
            if failed.may_cost {
                self.store.close(key, most, &failed.reason)?;
                self.charge(most);
                claimed = false;
            }
            let last = attempt == self.limits.attempts;
            if let Some(unanswered) = self.after_failure(asked, &failed, attempt, last, ended) {
                self.close(claimed, key, &failed.reason)?;
                return Ok(Err(unanswered));
            }
        }
        Ok(Err(Unanswered::Ended))
    }

    /// Waits until another attempt may be made, or returns why there is none.
    fn after_failure(
        &self,
        asked: &Asked<'_>,
        failed: &Failed,
        attempt: u32,
        last: bool,
        ended: &dyn Fn() -> bool,
    ) -> Option<Unanswered> {
        let after = match failed.then {
            Then::GiveUp => return Some(Unanswered::Failed(failed.reason.clone())),
            Then::StopModel => {
                self.stop_model(asked, &failed.reason);
                return Some(Unanswered::Ended);
            }
            Then::Retry { after, .. } => after,
        };
        if let Some(wait) = after.filter(|wait| *wait > LONGEST_WAIT) {
            let (seconds, most) = (wait.as_secs(), LONGEST_WAIT.as_secs());
            let reason = &failed.reason;
            let reason = format!(
                "{reason}. It asks to wait {seconds} s, more than {most} s: go on then with the same command"
            );
            self.stop_model(asked, &reason);
            return Some(Unanswered::Ended);
        }
        if last {
            let reason = &failed.reason;
            return Some(Unanswered::Failed(format!("{reason} (attempt {attempt}, the last)")));
        }
        self.state().summary.retries += 1;
        match after {
            Some(wait) => {
                let seconds = wait.as_secs_f64();
                self.report(Event::Waits { model: &asked.entry.id, seconds });
                // The upstream's limit is one for all requests of the model, which wait in `Pace::start`.
                asked.pace.pause(wait);
                None
            }
            None => {
                let first = Duration::from_millis(self.limits.backoff_ms);
                let wait = backoff::wait(first, attempt, random_unit());
                backoff::sleep(wait, ended).then_some(Unanswered::Ended)
            }
        }
    }

    fn store_answer(
        &self,
        asked: &Asked<'_>,
        request: &CompletionRequest,
        key: RequestKey,
        most: Money,
        answer: Answer,
        latency: Duration,
    ) -> Result<Completion, TrainerError> {
        let entry = asked.entry;
        let (input_tokens, output_tokens) = answer
            .usage
            .unwrap_or_else(|| (tokens::usual_input(request), tokens::usual(&answer.text)));
        let cost = cost(entry, input_tokens, output_tokens);
        // Tokens that are not stated may be any number up to the most.
        let charged = match answer.usage {
            Some(_) => cost.unwrap_or_default(),
            None => most,
        };
        let completion = Completion {
            key,
            model: entry.id.clone(),
            answered_by: answer.answered_by,
            text: answer.text,
            finish: answer.finish,
            input_tokens,
            output_tokens,
            usage_stated: answer.usage.is_some(),
            cost_usd: cost.map(Money::usd),
            latency_ms: latency.as_millis().try_into().unwrap_or(u64::MAX),
            unix_time: unix_time(),
        };
        self.store.put(&completion, charged)?;
        self.charge(charged);
        if charged > most && self.cap.is_some() {
            let (cost, most) = (charged.usd(), most.usd());
            let reason = format!(
                "an answer of {output_tokens} tokens cost USD {cost:.6}, of which max_tokens allows USD                  {most:.6} at most: a cap cannot hold where the upstream ignores max_tokens. Set                  max_completion_tokens in body, or ask this model without --max-usd"
            );
            self.stop_model(asked, &reason);
        }
        Ok(completion)
    }

    fn close(&self, claimed: bool, key: RequestKey, reason: &str) -> Result<(), TrainerError> {
        if claimed { self.store.close(key, Money::ZERO, reason) } else { Ok(()) }
    }

    fn charge(&self, amount: Money) {
        let mut state = self.state();
        state.spent = state.spent.plus(amount);
    }

    fn stop_model(&self, asked: &Asked<'_>, reason: &str) {
        if !asked.stopped.swap(true, Ordering::Relaxed) {
            let model = asked.entry.id.clone();
            let stopped = StoppedModel { model, reason: reason.to_owned() };
            self.report(Event::ModelStopped(&stopped));
            self.state().summary.stopped_models.push(stopped);
        }
    }

    fn count_answer(&self, completion: &Completion) {
        let mut state = self.state();
        state.summary.asked += 1;
        state.summary.without_usage += u64::from(!completion.usage_stated);
        *state.summary.finishes.entry(completion.finish).or_default() += 1;
        drop(state);
        self.report(Event::Asked(completion));
    }

    fn count_failure(&self, asked: &Asked<'_>, key: RequestKey, reason: String) {
        let failure = Failure { key, model: asked.entry.id.clone(), reason };
        self.report(Event::Failed(&failure));
        let in_a_row = asked.failures_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        if in_a_row == MOST_FAILURES_IN_A_ROW {
            let last = &failure.reason;
            let reason = format!("{in_a_row} requests failed one after another, the last: {last}");
            self.stop_model(asked, &reason);
        }
        let mut state = self.state();
        state.summary.failed_count += 1;
        if state.summary.failed.len() < MAX_STORED_FAILURES {
            state.summary.failed.push(failure);
        }
    }

    fn report(&self, event: Event<'_>) {
        self.progress.report(event, self.store.spent_usd());
    }

    /// No code panics while it holds the lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For the store's readers only: nothing is computed with it, since a clock may jump.
fn unix_time() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs())
}

/// A number in [0, 1), of the randomness that hash maps have.
fn random_unit() -> f64 {
    (RandomState::new().build_hasher().finish() >> 11) as f64 / (1_u64 << 53) as f64
}
