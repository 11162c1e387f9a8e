//! Waits before another attempt.

use std::time::{Duration, Instant};

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);

/// How often a wait looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// The wait after an attempt, counted from 1: twice the last one, less up to a half of it by chance, so that
/// threads that failed together do not ask together. `chance` is in [0, 1).
pub fn wait(first: Duration, attempt: u32, chance: f64) -> Duration {
    let doubled =
        first.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
    doubled.min(LONGEST).mul_f64(1.0 - chance / 2.0)
}

/// Sleeps; returns whether it ended before its time.
pub fn sleep(time: Duration, ended: &dyn Fn() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if ended() {
            return true;
        }
        match time.checked_sub(start.elapsed()) {
            Some(left) if !left.is_zero() => std::thread::sleep(left.min(LOOK)),
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_lose_half_at_most() {
        let first = Duration::from_millis(500);
        let least = |attempt| wait(first, attempt, 1.0).as_millis();
        let most = |attempt| wait(first, attempt, 0.0).as_millis();
        assert_eq!([1, 2, 3, 7, 40, u32::MAX].map(most), [500, 1000, 2000, 30_000, 30_000, 30_000]);
        assert_eq!([1, 2, 40].map(least), [250, 500, 15_000]);
    }
}
