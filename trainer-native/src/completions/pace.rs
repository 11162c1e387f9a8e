//! When a model's next request may start: its rate, its number in flight, and the waits that its upstream asks
//! for. All times are of a monotonic clock.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a wait looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// One model's pace, shared by its threads.
#[derive(Debug)]
pub struct Pace {
    /// Most requests in flight.
    most: f64,
    /// From the start of a request to that of the next.
    interval: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    in_flight: usize,
    /// Requests in flight that are allowed now: halved when the upstream limits the rate, and raised by one for
    /// as many answers as it counts.
    allowed: f64,
    next_start: Instant,
    lowered: Instant,
}

/// A request in flight.
#[derive(Debug)]
pub struct Permit<'a> {
    pace: &'a Pace,
    started: Instant,
}

impl Pace {
    pub fn new(concurrency: usize, requests_per_minute: Option<f64>) -> Self {
        let interval = requests_per_minute.map_or(Duration::ZERO, |rate| {
            Duration::try_from_secs_f64(60.0 / rate).unwrap_or(Duration::MAX)
        });
        let now = Instant::now();
        let most = concurrency.max(1) as f64;
        let state = State { in_flight: 0, allowed: most, next_start: now, lowered: now };
        Self { most, interval, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Waits until a request may start; `None` if it is to end before.
    pub fn start(&self, ended: &dyn Fn() -> bool) -> Option<Permit<'_>> {
        let mut state = self.state();
        loop {
            if ended() {
                return None;
            }
            let now = Instant::now();
            if state.next_start <= now && (state.in_flight as f64) < state.allowed.floor() {
                state.in_flight += 1;
                // A late start is no reason to start the next ones sooner.
                state.next_start = later(now, self.interval);
                return Some(Permit { pace: self, started: now });
            }
            let wait = state.next_start.saturating_duration_since(now);
            let wait = if wait.is_zero() { LOOK } else { wait.min(LOOK) };
            let waited = self.changed.wait_timeout(state, wait);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lets no request start for a time.
    pub fn pause(&self, time: Duration) {
        let until = later(Instant::now(), time);
        let mut state = self.state();
        state.next_start = state.next_start.max(until);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// The upstream answered.
    pub fn answered(self) {
        let mut state = self.pace.state();
        state.allowed = (state.allowed + 1.0 / state.allowed).min(self.pace.most);
    }

    /// The upstream said that there are too many requests. Those that started before the last time it said so
    /// tell nothing new.
    pub fn limited(self) {
        let mut state = self.pace.state();
        if self.started >= state.lowered {
            state.allowed = (state.allowed / 2.0).max(1.0);
            state.lowered = Instant::now();
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.pace.state().in_flight -= 1;
        self.pace.changed.notify_all();
    }
}

/// `time` after `now`; a day after where that is beyond the clock.
fn later(now: Instant, time: Duration) -> Instant {
    now.checked_add(time).unwrap_or(now + Duration::from_secs(86_400))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The number of requests that may start at once.
    fn startable(pace: &Pace) -> usize {
        let state = pace.state();
        (state.allowed.floor() as usize).saturating_sub(state.in_flight)
    }

    #[test]
    fn a_limited_rate_halves_what_is_in_flight_once_for_requests_of_one_time() {
        let pace = Pace::new(8, None);
        let mut permits: Vec<_> = (0..8).map(|_| pace.start(&|| false).unwrap()).collect();
        assert_eq!(startable(&pace), 0);
        for permit in permits.drain(..3) {
            permit.limited();
        }
        assert_eq!(pace.state().allowed, 4.0);
        for permit in permits {
            permit.limited();
        }
        assert_eq!(pace.state().allowed, 4.0);
        assert_eq!(startable(&pace), 4);
        pace.start(&|| false).unwrap().limited();
        assert_eq!(pace.state().allowed, 2.0);
        for _ in 0..200 {
            pace.start(&|| false).unwrap().answered();
        }
        assert_eq!(pace.state().allowed, 8.0);
    }

    #[test]
    fn starts_are_spaced_by_the_rate_and_put_off_by_a_pause() {
        let pace = Pace::new(8, Some(60.0));
        let before = Instant::now();
        drop(pace.start(&|| false).unwrap());
        assert!(pace.state().next_start >= before + Duration::from_secs(1));
        pace.pause(Duration::from_secs(500));
        assert!(pace.state().next_start >= before + Duration::from_secs(500));
        pace.pause(Duration::ZERO);
        pace.pause(Duration::MAX);
        assert!(pace.state().next_start >= before + Duration::from_secs(500));
        assert!(pace.start(&|| true).is_none());
    }
}
