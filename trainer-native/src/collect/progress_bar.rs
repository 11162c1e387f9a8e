//! Shows how far asking is: done of total, money spent, time left.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::ProgressBar as Bar;

use crate::completions::{Event, Progress};
use crate::progress::bar;

/// How often a line is written where standard error is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// A bar on a terminal, or else a line now and then.
#[derive(Debug)]
pub struct ProgressBar {
    bar: Bar,
    total: u64,
    start: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    done: u64,
    shown: Instant,
}

impl ProgressBar {
    /// Of `total` answers that are to be asked for.
    #[must_use]
    pub fn new(total: u64) -> Self {
        let (bar, start) = (bar("asking"), Instant::now());
        bar.set_length(total);
        Self { bar, total, start, state: Mutex::new(State { done: 0, shown: start }) }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, text: &str) {
        match self.bar.is_hidden() {
            true => eprintln!("{text}"),
            false => self.bar.println(text),
        }
    }

    fn advance(&self, spent_usd: f64) {
        self.bar.set_message(format!("USD {spent_usd:.4}"));
        self.bar.inc(1);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
        if self.bar.is_hidden() && state.shown.elapsed() >= LINE_EVERY {
            state.shown = Instant::now();
            let done = state.done;
            drop(state);
            let left = time_left(self.start.elapsed(), done, self.total);
            eprintln!("{done} of {} asked, USD {spent_usd:.4} spent, {left} left", self.total);
        }
    }
}

impl Progress for ProgressBar {
    fn report(&self, event: Event<'_>, spent_usd: f64) {
        match event {
            Event::Asked(_) | Event::Failed(_) => self.advance(spent_usd),
            Event::Reused => {}
            Event::ModelStopped(stopped) => {
                self.say(&format!(
                    "{} is not asked any further: {}",
                    stopped.model, stopped.reason
                ));
            }
            Event::Waits { model, seconds } if seconds >= 5.0 => {
                self.say(&format!("{model}: the upstream asks to wait {seconds:.0} s"));
            }
            Event::Waits { .. } => {}
        }
    }
}

/// The time for the rest at the speed so far.
fn time_left(elapsed: Duration, done: u64, total: u64) -> String {
    let rest = total.saturating_sub(done) as f64 / done.max(1) as f64;
    let seconds = (elapsed.as_secs_f64() * rest).round() as u64;
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_that_of_the_rest_at_the_same_speed() {
        let left = |seconds, done, total| time_left(Duration::from_secs(seconds), done, total);
        assert_eq!(left(10, 100, 150), "5 s");
        assert_eq!(left(60, 1, 3), "2 min 0 s");
        assert_eq!(left(3600, 100, 250), "1 h 30 min");
        assert_eq!([left(5, 0, 0), left(5, 7, 3)], ["0 s", "0 s"]);
    }
}
