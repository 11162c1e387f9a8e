//! Retry state of one request: decides after a failed call which upstream to call next, and when.
//!
//! ```text
//! worth repeating (no usable answer, 408, 409, 425, 429, 5xx)
//!     -> the same upstream after a wait, `retries.most` times; then the next
//! the upstream's own refusal (401, 403, 404)  -> the next
//! the caller's fault (another 4xx)            -> the end
//! ```
//! The n-th wait is uniform in [w / 2, w], w = min(base * 2^(n - 1), longest): the jitter keeps
//! callers that failed together from retrying together. A `retry-after` replaces this wait; if it
//! is longer than the longest wait, the next upstream is called at once.

use crate::config::Retries;

/// Why a call gave no usable answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An error status, with the upstream's `retry-after` in milliseconds.
    Status { status: u16, retry_after_ms: Option<u64> },
    /// No connection, no answer in time, or an unusable answer.
    NoAnswer,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Call the upstream at this index after `wait_ms` milliseconds.
    Call { upstream: usize, wait_ms: u64 },
    /// Stop: the client gets the last error.
    End,
}

/// A request's position in its list of upstreams, with its calls so far.
#[derive(Debug, Clone)]
pub(crate) struct RetryState {
    upstreams: usize,
    at: usize,
    calls_here: u32,
    calls: u32,
    retries: Retries,
}

impl RetryState {
    /// Starts before the first call of the first upstream. `upstreams` is their number, at least 1.
    pub(crate) fn new(upstreams: usize, retries: Retries) -> Self {
        Self { upstreams, at: 0, calls_here: 0, calls: 0, retries }
    }

    /// Counts a call.
    pub(crate) fn count_call(&mut self) {
        self.calls_here += 1;
        self.calls += 1;
    }

    /// The number of calls so far.
    pub(crate) fn calls(&self) -> u32 {
        self.calls
    }

    /// Decides what follows a fault; `random` is uniform in [0, 1).
    pub(crate) fn after(&mut self, fault: Fault, random: f64) -> Step {
        let next = match fault {
            Fault::Status { status: 401 | 403 | 404, .. } => None,
            Fault::Status { status, .. } if !is_retryable(status) => return Step::End,
            Fault::Status { retry_after_ms, .. } => self.wait(retry_after_ms, random),
            Fault::NoAnswer => self.wait(None, random),
        };
        match next {
            Some(wait_ms) => Step::Call { upstream: self.at, wait_ms },
            None => self.next(),
        }
    }

    /// Moves to the next upstream, without a wait.
    pub(crate) fn next(&mut self) -> Step {
        self.at += 1;
        self.calls_here = 0;
        match self.at < self.upstreams {
            true => Step::Call { upstream: self.at, wait_ms: 0 },
            false => Step::End,
        }
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn wait(&self, asked_ms: Option<u64>, random: f64) -> Option<u64> {
        if self.calls_here > self.retries.most {
            return None;
        }
        let longest = u64::from(self.retries.longest_ms);
        if let Some(asked) = asked_ms {
            return (asked <= longest).then_some(asked);
        }
        let doublings = self.calls_here.saturating_sub(1).min(20);
        let full = (u64::from(self.retries.base_ms) << doublings).min(longest);
        Some(full / 2 + (full as f64 / 2.0 * random) as u64)
    }
}

/// Whether a call that ended with this status may succeed if repeated.
pub(crate) fn is_retryable(status: u16) -> bool {
    matches!(status, 408 | 409 | 425 | 429 | 500..=599)
}

/// Reads `retry-after-ms` or `retry-after`, in milliseconds. A date is ignored: it would have to be
/// compared with another machine's clock.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn retry_after_ms(header: impl Fn(&str) -> Option<String>) -> Option<u64> {
    let number = |name: &str, scale: f64| {
        let value: f64 = header(name)?.trim().parse().ok()?;
        (value >= 0.0 && value.is_finite()).then_some((value * scale).ceil() as u64)
    };
    number("retry-after-ms", 1.0).or_else(|| number("retry-after", 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRIES: Retries = Retries { most: 2, base_ms: 100, longest_ms: 300 };
    const BUSY: Fault = Fault::Status { status: 503, retry_after_ms: None };

    fn status(status: u16, retry_after_ms: Option<u64>) -> Fault {
        Fault::Status { status, retry_after_ms }
    }

    #[test]
    fn an_upstream_is_called_again_with_growing_waits_and_then_the_next() {
        let mut state = RetryState::new(2, RETRIES);
        let mut steps = Vec::new();
        loop {
            state.count_call();
            let step = state.after(BUSY, 0.5);
            steps.push(step);
            if step == Step::End {
                break;
            }
        }
        let call = |upstream, wait_ms| Step::Call { upstream, wait_ms };
        let expected =
            [call(0, 75), call(0, 150), call(1, 0), call(1, 75), call(1, 150), Step::End];
        assert_eq!(steps, expected);
        assert_eq!(state.calls(), 6);
    }

    #[test]
    fn waits_have_jitter_and_a_maximum() {
        let wait = |calls, random| {
            let mut state = RetryState::new(1, Retries { most: 9, ..RETRIES });
            (0..calls).for_each(|_| state.count_call());
            state.after(Fault::NoAnswer, random)
        };
        let call = |wait_ms| Step::Call { upstream: 0, wait_ms };
        assert_eq!(wait(1, 0.0), call(50));
        assert_eq!(wait(1, 0.999), call(99));
        assert_eq!(wait(8, 0.0), call(150));
        assert_eq!(wait(8, 0.999), call(299));
    }

    #[test]
    fn retry_after_is_honoured_up_to_the_longest_wait() {
        let mut state = RetryState::new(2, RETRIES);
        state.count_call();
        let step = state.after(status(429, Some(250)), 0.0);
        assert_eq!(step, Step::Call { upstream: 0, wait_ms: 250 });
        state.count_call();
        let step = state.after(status(429, Some(60_000)), 0.0);
        assert_eq!(step, Step::Call { upstream: 1, wait_ms: 0 });
    }

    #[test]
    fn an_upstreams_refusal_moves_on_and_the_callers_fault_ends() {
        for (refusal, expected) in [
            (401, Step::Call { upstream: 1, wait_ms: 0 }),
            (404, Step::Call { upstream: 1, wait_ms: 0 }),
            (400, Step::End),
            (422, Step::End),
            (413, Step::End),
        ] {
            let mut state = RetryState::new(2, RETRIES);
            state.count_call();
            assert_eq!(state.after(status(refusal, None), 0.0), expected, "{refusal}");
        }
    }

    #[test]
    fn waits_are_read_from_headers() {
        let read = |headers: &[(&str, &str)]| {
            retry_after_ms(|name| {
                headers.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(read(&[("retry-after", "2")]), Some(2000));
        assert_eq!(read(&[("retry-after", "0.5"), ("retry-after-ms", "20")]), Some(20));
        assert_eq!(read(&[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")]), None);
        assert_eq!(read(&[("retry-after", "-1")]), None);
        assert_eq!(read(&[]), None);
    }
}
