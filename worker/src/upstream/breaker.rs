//! Circuit breaker: an upstream that keeps failing is not called for a while; then single calls try it.
//!
//! ```text
//! own circuit of a caller   `breaker.failures` of its calls in a row fail       -> closed to this caller
//! shared circuit of a model failures in a row of several callers, see below     -> closed to all
//! ```
//! A caller can make an upstream fail on purpose, with an input that it answers with a 500. So one
//! caller's failures close the upstream to that caller alone. The shared circuit opens if
//!
//! - two or more callers are failing, each with a row of failures not older than a minute;
//! - their rows sum to `breaker.failures`, where each counts for at most half of it, rounded up; and
//! - they are more than the callers that got an answer since the second newest of these rows began, and in
//!   the last second: a single caller cannot choose when that is.
//!
//! Once `breaker.openMs` has passed, one call at a time tries the upstream: an answer closes the
//! circuit, a failure keeps it open, and a call that says nothing lets the next caller try. A caller
//! that has tried waits for another `breaker.openMs`, so that it cannot take every trial.
//!
//! Callers with a key and callers without one have separate circuits, since anybody can appear under
//! many addresses. Each isolate counts its own failures, so reading a circuit needs no network call.

use std::collections::HashMap;

use crate::config::Breaker;

/// How long a row of failures, or an answer, speaks for the shared circuit, in milliseconds.
const WINDOW_MS: f64 = 60_000.0;
/// The least time of which answers speak against the shared circuit, in milliseconds.
const LEAST_MS: f64 = 1000.0;
/// The most callers remembered for one model; beyond it the one not seen for longest is forgotten.
const MAX_CALLERS: usize = 256;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallerId<'a> {
    /// A key, by its name.
    Key(&'a str),
    /// A caller without a key, by its address; empty if unknown.
    Open(&'a str),
}

/// What a call says about its upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It answered.
    Answered,
    /// It failed.
    Failed,
    /// Nothing: it was not called, it refused the request, or the client left.
    Unknown,
}

/// The circuits of an isolate.
#[derive(Debug, Default)]
pub(crate) struct Breakers {
    of_keys: HashMap<String, Circuit>,
    of_open: HashMap<String, Circuit>,
}

/// The circuits of one model.
#[derive(Debug, Default)]
struct Circuit {
    /// Until when the shared circuit is open, in milliseconds since 1970; none while it is closed.
    open_until: Option<f64>,
    callers: HashMap<String, Record>,
}

/// What is known of one caller's calls.
#[derive(Debug, Default)]
struct Record {
    /// Its failures in a row.
    failures: u32,
    /// When the row began.
    since: f64,
    /// Until when the caller's own circuit is open; none while it is closed.
    open_until: Option<f64>,
    /// Whether a call of it tries the upstream for itself.
    tries_own: bool,
    /// Whether a call of it tries the upstream for all.
    tries_shared: bool,
    /// Until when it may not try the upstream for all.
    waits_until: f64,
    /// The time of its last answer.
    answered: Option<f64>,
    /// The time of its last call.
    seen: f64,
}

impl Breakers {
    /// Whether a model's circuit is open to a caller at `now`, in milliseconds since 1970.
    pub(crate) fn is_open(&self, model: &str, caller: CallerId<'_>, now: f64) -> bool {
        let (circuits, name) = match caller {
            CallerId::Key(name) => (&self.of_keys, name),
            CallerId::Open(address) => (&self.of_open, address),
        };
        circuits.get(model).is_some_and(|circuit| circuit.is_open(name, now))
    }

    /// Whether a caller may call a model now. A call that tries the upstream keeps the circuit open to
    /// others until its outcome is recorded or the open time has passed again.
    pub(crate) fn admits(
        &mut self,
        model: &str,
        caller: CallerId<'_>,
        now: f64,
        settings: Breaker,
    ) -> bool {
        let (circuits, name) = self.of(caller);
        let Some(circuit) = circuits.get_mut(model) else { return true };
        let admitted = !circuit.is_open(name, now);
        if admitted {
            circuit.admitted(name, now, f64::from(settings.open_ms));
        }
        admitted
    }

    /// Records the outcome of a call.
    pub(crate) fn record(
        &mut self,
        model: &str,
        caller: CallerId<'_>,
        outcome: Outcome,
        now: f64,
        settings: Breaker,
    ) {
        let (circuits, name) = self.of(caller);
        match outcome {
            Outcome::Answered => {
                circuits.entry(model.to_owned()).or_default().answered(name, now, settings);
            }
            Outcome::Failed => {
                circuits.entry(model.to_owned()).or_default().failed(name, now, settings);
            }
            Outcome::Unknown => {
                if let Some(circuit) = circuits.get_mut(model) {
                    circuit.said_nothing(name, now, f64::from(settings.open_ms));
                }
            }
        }
    }

    fn of<'n>(&mut self, caller: CallerId<'n>) -> (&mut HashMap<String, Circuit>, &'n str) {
        match caller {
            CallerId::Key(name) => (&mut self.of_keys, name),
            CallerId::Open(address) => (&mut self.of_open, address),
        }
    }
}

impl Circuit {
    fn is_open(&self, caller: &str, now: f64) -> bool {
        let record = self.callers.get(caller);
        let own = record.and_then(|record| record.open_until);
        let waits = record.map_or(f64::NEG_INFINITY, |record| record.waits_until);
        own.is_some_and(|until| now < until)
            || self.open_until.is_some_and(|until| now < until.max(waits))
    }

    fn admitted(&mut self, caller: &str, now: f64, open_ms: f64) {
        let again = now + open_ms;
        if self.open_until.is_some() {
            self.open_until = Some(again);
            let record = self.record(caller, now);
            (record.tries_shared, record.waits_until) = (true, again + open_ms);
        }
        if let Some(record) = self.callers.get_mut(caller).filter(|r| r.open_until.is_some()) {
            (record.tries_own, record.open_until) = (true, Some(again));
        }
    }

    fn answered(&mut self, caller: &str, now: f64, settings: Breaker) {
        let record = self.record(caller, now);
        let tried = record.tries_shared;
        *record = Record { answered: Some(now), seen: now, ..Record::default() };
        if tried || !self.several_fail(now, settings) {
            self.open_until = None;
        }
    }

    fn failed(&mut self, caller: &str, now: f64, settings: Breaker) {
        let open_ms = f64::from(settings.open_ms);
        let again = now + open_ms;
        let record = self.record(caller, now);
        if record.failures == 0 {
            record.since = now;
        }
        record.failures = record.failures.saturating_add(1);
        if record.failures >= settings.failures {
            record.open_until = Some(again);
        }
        record.tries_own = false;
        if std::mem::take(&mut record.tries_shared) {
            record.waits_until = again + open_ms;
            self.open_until = Some(again);
        } else if self.open_until.is_none() && self.several_fail(now, settings) {
            self.open_until = Some(again);
        }
    }

    /// Lets the next call try, if this one did. Only the caller that tried waits.
    fn said_nothing(&mut self, caller: &str, now: f64, open_ms: f64) {
        let Some(record) = self.callers.get_mut(caller) else { return };
        if std::mem::take(&mut record.tries_own) {
            record.open_until = Some(now);
        }
        if std::mem::take(&mut record.tries_shared) {
            record.waits_until = now + open_ms;
            self.open_until = Some(now);
        }
    }

    /// Whether the failures speak of the upstream and not of one caller.
    fn several_fail(&self, now: f64, settings: Breaker) -> bool {
        let recent = |at: f64| now - at <= WINDOW_MS;
        let failing = || self.callers.values().filter(|r| r.failures > 0 && recent(r.seen));
        let most = settings.failures.div_ceil(2);
        let sum: u64 = failing().map(|record| u64::from(record.failures.min(most))).sum();
        let mut began: Vec<f64> = failing().map(|record| record.since).collect();
        began.sort_by(|a, b| b.total_cmp(a));
        let since = began.get(1).copied().unwrap_or(now).min(now - LEAST_MS);
        let contrary = self.callers.values().filter(|record| {
            record.failures == 0 && record.answered.is_some_and(|at| recent(at) && at >= since)
        });
        let callers = began.len();
        callers >= 2 && sum >= u64::from(settings.failures) && callers > contrary.count()
    }

    fn record(&mut self, caller: &str, now: f64) -> &mut Record {
        if self.callers.len() >= MAX_CALLERS && !self.callers.contains_key(caller) {
            let oldest = self.callers.iter().min_by(|(_, a), (_, b)| a.seen.total_cmp(&b.seen));
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                self.callers.remove(&name);
            }
        }
        let record = self.callers.entry(caller.to_owned()).or_default();
        record.seen = now;
        record
    }
}

#[cfg(test)]
mod tests;
