//! Retry state of one request: decides after a failed call which upstream to call next, and when.
//!
//! ```text
//! worth repeating (no usable answer, 408, 409, 425, 429, 5xx)
//!     -> the same upstream after a wait, `retries.most` times; then the next
//! an answer that did not come in time       -> the next: the upstream has worked for it already
//! not called; a refusal of the gateway's own key or name (401, 402, 403, 404, 407); a redirect; an
//! account without credit; `x-should-retry: false`
//!                                           -> the next
//! a request longer than the context window, 413
//!                                           -> the next whose window may be larger
//! the caller's fault (another 4xx)          -> the end
//! ```
//! The n-th wait is uniform in [w / 2, w], w = min(base * 2^(n - 1), longest): the jitter keeps
//! callers that failed together from retrying together. Where the upstream states a wait, it is that
//! wait and a jitter in [0, w / 2] on top of it. If the stated wait is longer than the longest one, or a
//! repetition would begin later than [`TimeLimits::repeat_ms`], the next upstream is called at once.

use super::breaker::Outcome;
use super::http_date::seconds_since_1970;
use crate::config::Retries;
use crate::error::GatewayError;
use crate::wire::context_overflow::is_context_overflow;
use crate::wire::upstream_error::UpstreamError;

/// Why a call gave no usable answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An error status, with the upstream's `retry-after` in milliseconds.
    Status { status: u16, retry_after_ms: Option<u64> },
    /// No connection, or an unusable answer.
    NoAnswer,
    /// The call was sent, and no answer came in time.
    TimedOut,
    /// The caller's own key was refused: no other upstream is tried.
    Ends,
    /// An error status, and the upstream says that the same call will fail again.
    NotRepeated { status: u16 },
    /// The request is longer than the model's context window.
    TooLong,
    /// The upstream was not called: the request cannot be translated, or a secret or binding is missing.
    NotCalled,
}

impl Fault {
    /// The fault that an upstream's error means, by its status, its words and its headers.
    pub(crate) fn of_refusal(
        status: u16,
        error: &UpstreamError,
        header: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let told = header("x-should-retry").is_some_and(|told| told.eq_ignore_ascii_case("false"));
        match status {
            413 => Self::TooLong,
            400 | 422 if is_context_overflow(error) => Self::TooLong,
            _ if refusal_is_ours(status, error) => Self::NotRepeated { status },
            408 | 409 | 425 | 429 | 500..=599 if told || lacks_credit(error) => {
                Self::NotRepeated { status }
            }
            _ => Self::Status { status, retry_after_ms: retry_after_ms(header) },
        }
    }

    /// The fault that one of the gateway's own errors means; none if the error does not say.
    pub(crate) fn of_error(error: &GatewayError) -> Option<Self> {
        match error {
            GatewayError::UpstreamTimeout { .. } | GatewayError::TotalTimeout { .. } => {
                Some(Self::TimedOut)
            }
            GatewayError::UpstreamBadStatus { status, .. } => {
                Some(Self::Status { status: *status, retry_after_ms: None })
            }
            GatewayError::UpstreamKeyMissing { .. }
            | GatewayError::UpstreamNotConfigured { .. }
            | GatewayError::BindingMissing { .. }
            | GatewayError::NotTranslatable { .. }
            | GatewayError::BodyTooComplex { .. }
            | GatewayError::FieldRefused { .. }
            | GatewayError::Untranslatable(_) => Some(Self::NotCalled),
            _ => None,
        }
    }

    /// What the fault says about its upstream. A refusal says nothing: a broken upstream may refuse, and
    /// a sound one refuses what is wrong.
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self::NoAnswer
            | Self::TimedOut
            | Self::Status { status: 408 | 500..=599, .. }
            | Self::NotRepeated { status: 408 | 500..=599 } => Outcome::Failed,
            Self::NotCalled
            | Self::Ends
            | Self::TooLong
            | Self::NotRepeated { .. }
            | Self::Status { .. } => Outcome::Unknown,
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Call the upstream at this index after `wait_ms` milliseconds.
    Call { upstream: usize, wait_ms: u64 },
    /// Stop: the client gets the last error.
    End,
}

/// How long a request's calls may go on, in milliseconds since its first call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeLimits {
    /// Until when a call of the same upstream may be repeated.
    pub(crate) repeat_ms: u64,
    /// Until when any call may begin.
    pub(crate) call_ms: u64,
}

/// A request's position in its list of upstreams, with its calls so far.
#[derive(Debug, Clone)]
pub(crate) struct RetryState {
    /// The context window of each upstream, if known.
    windows: Vec<Option<u64>>,
    at: usize,
    calls_here: u32,
    calls: u32,
    retries: Retries,
    limits: TimeLimits,
}

impl RetryState {
    /// Starts before the first call of the first upstream. `windows` has the context window of each, if it
    /// is known.
    pub(crate) fn new(windows: Vec<Option<u64>>, retries: Retries, limits: TimeLimits) -> Self {
        Self { windows, at: 0, calls_here: 0, calls: 0, retries, limits }
    }

    /// Counts a call.
    pub(crate) fn count_call(&mut self) {
        self.calls_here += 1;
        self.calls += 1;
    }

    /// Takes the last call back as a try: the same upstream is asked again at once, in another form.
    pub(crate) fn asked_otherwise(&mut self) {
        self.calls_here = self.calls_here.saturating_sub(1);
    }

    /// The number of calls so far.
    pub(crate) fn calls(&self) -> u32 {
        self.calls
    }

    /// Decides what follows a fault, `elapsed_ms` after the first call; `random` is uniform in [0, 1).
    pub(crate) fn after(&mut self, fault: Fault, random: f64, elapsed_ms: u64) -> Step {
        if elapsed_ms >= self.limits.call_ms {
            return Step::End;
        }
        let wait = match fault {
            Fault::Ends => return Step::End,
            Fault::TooLong => return self.next_larger(),
            Fault::NotCalled | Fault::TimedOut | Fault::NotRepeated { .. } => None,
            Fault::Status { status: 300..=399 | 401..=404 | 407, .. } => None,
            Fault::Status { status: 400..=499, .. } if !fault.is_retryable() => return Step::End,
            Fault::Status { .. } if !fault.is_retryable() => None,
            Fault::Status { retry_after_ms, .. } => self.wait(retry_after_ms, random),
            Fault::NoAnswer => self.wait(None, random),
        };
        let repeat_ms = self.limits.repeat_ms.min(self.limits.call_ms);
        match wait.filter(|wait| elapsed_ms.saturating_add(*wait) < repeat_ms) {
            Some(wait_ms) => Step::Call { upstream: self.at, wait_ms },
            None => self.next(),
        }
    }

    /// Moves to the next upstream, without a wait.
    pub(crate) fn next(&mut self) -> Step {
        self.at += 1;
        self.calls_here = 0;
        match self.at < self.windows.len() {
            true => Step::Call { upstream: self.at, wait_ms: 0 },
            false => Step::End,
        }
    }

    /// Moves to the next upstream whose context window is larger than this one's, as far as both are known.
    fn next_larger(&mut self) -> Step {
        let exceeded = self.windows.get(self.at).copied().flatten();
        loop {
            let step = self.next();
            let window = self.windows.get(self.at).copied().flatten();
            if step == Step::End || window.zip(exceeded).is_none_or(|(next, this)| next > this) {
                return step;
            }
        }
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn wait(&self, asked_ms: Option<u64>, random: f64) -> Option<u64> {
        if self.calls_here > self.retries.most {
            return None;
        }
        let longest = u64::from(self.retries.longest_ms);
        let doublings = self.calls_here.saturating_sub(1).min(20);
        let full = (u64::from(self.retries.base_ms) << doublings).min(longest);
        let jitter = (full as f64 / 2.0 * random) as u64;
        match asked_ms {
            Some(asked) => (asked <= longest).then(|| asked + jitter),
            None => Some(full / 2 + jitter),
        }
    }
}

impl Fault {
    /// Whether a call that ended with this status may succeed if repeated.
    fn is_retryable(self) -> bool {
        matches!(self, Self::Status { status: 408 | 409 | 425 | 429 | 500..=599, .. })
    }
}

/// Whether an upstream refuses what is the gateway's: its key, its account, its access. Some tell a wrong key
/// or an empty account with status 400. Its text is not for the caller.
pub(crate) fn refusal_is_ours(status: u16, error: &UpstreamError) -> bool {
    const KEY: [&str; 4] =
        ["api key not valid", "incorrect api key", "invalid api key", "api key expired"];
    match status {
        401..=403 | 407 => true,
        400 => {
            let message = error.message.to_lowercase();
            error.code.as_deref() == Some("invalid_api_key")
                || KEY.iter().any(|words| message.contains(words))
                || lacks_credit(error)
        }
        _ => false,
    }
}

/// Whether an error says that the account at the upstream has no credit left, which no repetition fills.
fn lacks_credit(error: &UpstreamError) -> bool {
    const CODES: [&str; 5] = [
        "insufficient_quota",
        "billing_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "account_deactivated",
    ];
    const WORDS: [&str; 6] = [
        "exceeded your current quota",
        "check your plan and billing",
        "credit balance is too low",
        "insufficient balance",
        "insufficient credit",
        "insufficient_quota",
    ];
    let message = error.message.to_lowercase();
    [&error.code, &error.kind].into_iter().flatten().any(|code| CODES.contains(&code.as_str()))
        || WORDS.iter().any(|words| message.contains(words))
}

/// Reads `retry-after-ms` or `retry-after`, in milliseconds. A date is compared with the answer's own
/// `date`, never with this machine's clock; without `date` the wait is unknown and counts as endless.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn retry_after_ms(header: impl Fn(&str) -> Option<String>) -> Option<u64> {
    let number = |name: &str, scale: f64| {
        let value: f64 = header(name)?.trim().parse().ok()?;
        (value >= 0.0 && value.is_finite()).then_some((value * scale).ceil() as u64)
    };
    let date = || {
        let until = seconds_since_1970(header("retry-after")?.trim())?;
        let answered = header("date").and_then(|date| seconds_since_1970(date.trim()));
        Some(match answered {
            Some(answered) => until.saturating_sub(answered).saturating_mul(1000),
            None => u64::MAX,
        })
    };
    number("retry-after-ms", 1.0).or_else(|| number("retry-after", 1000.0)).or_else(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRIES: Retries = Retries { most: 2, base_ms: 100, longest_ms: 300, total_ms: 60_000 };
    const BUSY: Fault = Fault::Status { status: 503, retry_after_ms: None };

    fn status(status: u16, retry_after_ms: Option<u64>) -> Fault {
        Fault::Status { status, retry_after_ms }
    }

    #[test]
    fn an_upstream_is_called_again_with_growing_waits_and_then_the_next() {
        let mut state = RetryState::new(
            vec![None; 2],
            RETRIES,
            TimeLimits { repeat_ms: 60_000, call_ms: 600_000 },
        );
        let mut steps = Vec::new();
        loop {
            state.count_call();
            let step = state.after(BUSY, 0.5, 0);
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
            let mut state = RetryState::new(
                vec![None],
                Retries { most: 9, ..RETRIES },
                TimeLimits { repeat_ms: 60_000, call_ms: 600_000 },
            );
            (0..calls).for_each(|_| state.count_call());
            state.after(Fault::NoAnswer, random, 0)
        };
        let call = |wait_ms| Step::Call { upstream: 0, wait_ms };
        assert_eq!(wait(1, 0.0), call(50));
        assert_eq!(wait(1, 0.999), call(99));
        assert_eq!(wait(8, 0.0), call(150));
        assert_eq!(wait(8, 0.999), call(299));
    }

    #[test]
    fn retry_after_is_honoured_with_jitter_up_to_the_longest_wait() {
        let mut state = RetryState::new(
            vec![None; 2],
            RETRIES,
            TimeLimits { repeat_ms: 60_000, call_ms: 600_000 },
        );
        state.count_call();
        let step = state.after(status(429, Some(250)), 0.5, 0);
        assert_eq!(step, Step::Call { upstream: 0, wait_ms: 275 });
        state.count_call();
        let step = state.after(status(429, Some(60_000)), 0.0, 0);
        assert_eq!(step, Step::Call { upstream: 1, wait_ms: 0 });
    }

    #[test]
    fn an_upstreams_refusal_moves_on_and_the_callers_fault_ends() {
        for (refusal, expected) in [
            (301, Step::Call { upstream: 1, wait_ms: 0 }),
            (401, Step::Call { upstream: 1, wait_ms: 0 }),
            (402, Step::Call { upstream: 1, wait_ms: 0 }),
            (403, Step::Call { upstream: 1, wait_ms: 0 }),
            (404, Step::Call { upstream: 1, wait_ms: 0 }),
            (407, Step::Call { upstream: 1, wait_ms: 0 }),
            (999, Step::Call { upstream: 1, wait_ms: 0 }),
            (400, Step::End),
            (422, Step::End),
            (413, Step::End),
        ] {
            let mut state = RetryState::new(
                vec![None; 2],
                RETRIES,
                TimeLimits { repeat_ms: 60_000, call_ms: 600_000 },
            );
            state.count_call();
            assert_eq!(state.after(status(refusal, None), 0.0, 0), expected, "{refusal}");
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
        assert_eq!(read(&[("retry-after", "-1")]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn a_date_is_compared_with_the_answers_own() {
        let read = |after: &str, date: Option<&str>| {
            retry_after_ms(|name| match name {
                "retry-after" => Some(after.to_owned()),
                "date" => date.map(str::to_owned),
                _ => None,
            })
        };
        let then = "Wed, 21 Oct 2026 07:28:00 GMT";
        assert_eq!(read(then, Some("Wed, 21 Oct 2026 07:18:00 GMT")), Some(600_000));
        assert_eq!(read(then, Some("Wed, 21 Oct 2026 07:27:58 GMT")), Some(2000));
        assert_eq!(read(then, Some("Wed, 21 Oct 2026 08:00:00 GMT")), Some(0));
        assert_eq!(read(then, None), Some(u64::MAX));
        assert_eq!(read("soon", Some(then)), None);
        let mut state = RetryState::new(
            vec![None; 2],
            RETRIES,
            TimeLimits { repeat_ms: 60_000, call_ms: 600_000 },
        );
        state.count_call();
        let step = state.after(status(429, read(then, None)), 0.9, 0);
        assert_eq!(step, Step::Call { upstream: 1, wait_ms: 0 });
    }

    #[test]
    fn what_was_paid_for_or_not_called_is_not_repeated() {
        for fault in [Fault::TimedOut, Fault::NotCalled] {
            let mut state = RetryState::new(
                vec![None; 2],
                RETRIES,
                TimeLimits { repeat_ms: 60_000, call_ms: 600_000 },
            );
            state.count_call();
            assert_eq!(state.after(fault, 0.0, 0), Step::Call { upstream: 1, wait_ms: 0 });
            state.count_call();
            assert_eq!(state.after(fault, 0.0, 0), Step::End);
        }
    }

    #[test]
    fn repetitions_and_calls_end_in_time() {
        let limits = TimeLimits { repeat_ms: 1000, call_ms: 5000 };
        let after = |elapsed_ms| {
            let mut state = RetryState::new(vec![None; 2], RETRIES, limits);
            state.count_call();
            state.after(BUSY, 0.0, elapsed_ms)
        };
        assert_eq!(after(949), Step::Call { upstream: 0, wait_ms: 50 });
        assert_eq!(after(950), Step::Call { upstream: 1, wait_ms: 0 });
        assert_eq!(after(4999), Step::Call { upstream: 1, wait_ms: 0 });
        assert_eq!(after(5000), Step::End);
    }

    #[test]
    fn only_what_speaks_of_the_upstream_is_its_failure() {
        for fault in [Fault::NoAnswer, Fault::TimedOut, status(408, None), status(529, None)] {
            assert_eq!(fault.outcome(), Outcome::Failed, "{fault:?}");
        }
        let refusals = [301, 400, 401, 402, 403, 404, 409, 413, 422, 425, 429, 999];
        for fault in refusals.map(|code| status(code, None)).into_iter().chain([Fault::NotCalled]) {
            assert_eq!(fault.outcome(), Outcome::Unknown, "{fault:?}");
        }
    }

    #[test]
    fn an_own_error_says_whether_the_upstream_was_called() {
        let candidate = || "m".to_owned();
        let timeout = GatewayError::UpstreamTimeout { candidate: candidate(), stage: "x", ms: 1 };
        let redirect = GatewayError::UpstreamBadStatus { candidate: candidate(), status: 302 };
        let secret =
            GatewayError::UpstreamKeyMissing { candidate: candidate(), secret: "K".into() };
        let broken =
            GatewayError::UpstreamBrokeOff { candidate: candidate(), detail: String::new() };
        assert_eq!(Fault::of_error(&timeout), Some(Fault::TimedOut));
        assert_eq!(Fault::of_error(&redirect), Some(status(302, None)));
        assert_eq!(Fault::of_error(&secret), Some(Fault::NotCalled));
        assert_eq!(Fault::of_error(&broken), None);
    }

    fn error(message: &str) -> UpstreamError {
        UpstreamError { message: message.into(), ..UpstreamError::default() }
    }

    #[test]
    fn a_refused_key_or_account_is_the_gateways_matter() {
        let ours = |status, message: &str| refusal_is_ours(status, &error(message));
        assert!([401, 402, 403, 407].into_iter().all(|status| ours(status, "")));
        assert!(
            ![200, 400, 404, 408, 413, 422, 429, 500].into_iter().any(|status| ours(status, ""))
        );
        assert!(ours(400, "API key not valid. Please pass a valid API key."));
        assert!(ours(400, "Your credit balance is too low to access the Anthropic API."));
        assert!(!ours(422, "Incorrect API key provided"));
    }

    #[test]
    fn an_empty_account_and_a_stated_refusal_are_not_asked_again() {
        let no_header = |_: &str| None;
        let told = |name: &str| (name == "x-should-retry").then(|| "false".to_owned());
        let quota = UpstreamError { code: Some("insufficient_quota".into()), ..error("") };
        assert_eq!(Fault::of_refusal(429, &quota, no_header), Fault::NotRepeated { status: 429 });
        assert_eq!(Fault::of_refusal(503, &error(""), told), Fault::NotRepeated { status: 503 });
        assert_eq!(Fault::of_refusal(429, &error("slow"), no_header), status(429, None));
        assert_eq!(Fault::of_refusal(422, &error("no"), told), status(422, None));
        let mut state = RetryState::new(
            vec![None; 2],
            RETRIES,
            TimeLimits { repeat_ms: 60_000, call_ms: 600_000 },
        );
        state.count_call();
        let step = state.after(Fault::NotRepeated { status: 429 }, 0.0, 0);
        assert_eq!(step, Step::Call { upstream: 1, wait_ms: 0 });
        assert_eq!(Fault::NotRepeated { status: 503 }.outcome(), Outcome::Failed);
        assert_eq!(Fault::NotRepeated { status: 429 }.outcome(), Outcome::Unknown);
    }

    #[test]
    fn a_request_that_is_too_long_goes_to_a_larger_window() {
        let words = error("This model's maximum context length is 8192 tokens");
        for (code, fault) in [
            (400, Fault::TooLong),
            (422, Fault::TooLong),
            (413, Fault::TooLong),
            (429, status(429, None)),
        ] {
            assert_eq!(Fault::of_refusal(code, &words, |_| None), fault);
        }
        let step = |windows: &[Option<u64>]| {
            let limits = TimeLimits { repeat_ms: 60_000, call_ms: 600_000 };
            let mut state = RetryState::new(windows.to_vec(), RETRIES, limits);
            state.count_call();
            state.after(Fault::TooLong, 0.0, 0)
        };
        let call = |upstream| Step::Call { upstream, wait_ms: 0 };
        assert_eq!(step(&[Some(8), Some(8), Some(4), Some(9)]), call(3));
        assert_eq!(step(&[Some(8), None]), call(1));
        assert_eq!(step(&[None, Some(8)]), call(1));
        assert_eq!(step(&[Some(8), Some(8)]), Step::End);
        assert_eq!(step(&[None]), Step::End);
    }
}
