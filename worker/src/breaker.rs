//! Circuit breaking: an upstream that failed several times in a row rests, then one request tries it.
//!
//! Each isolate counts for itself: what it has seen itself is known without asking anybody.

use std::collections::HashMap;

use crate::config::Breaker;

/// The circuits of an isolate, by model.
#[derive(Debug, Default)]
pub(crate) struct Breakers(HashMap<String, Circuit>);

#[derive(Debug, Default)]
struct Circuit {
    failures: u32,
    /// When it may be tried again, in milliseconds.
    rests_until: Option<f64>,
}

impl Breakers {
    /// Whether a model rests at `now`, in milliseconds.
    pub(crate) fn rests(&self, model: &str, now: f64) -> bool {
        self.0.get(model).and_then(|circuit| circuit.rests_until).is_some_and(|until| now < until)
    }

    /// Asks to call a model. After its rest one caller may; the others wait for its outcome or for
    /// another rest.
    pub(crate) fn admits(&mut self, model: &str, now: f64, settings: Breaker) -> bool {
        match self.0.get_mut(model) {
            Some(Circuit { rests_until: Some(until), .. }) => {
                let admitted = now >= *until;
                if admitted {
                    *until = now + f64::from(settings.open_ms);
                }
                admitted
            }
            _ => true,
        }
    }

    /// A call that gave an answer.
    pub(crate) fn succeeded(&mut self, model: &str) {
        self.0.remove(model);
    }

    /// A call that failed through the upstream's fault.
    pub(crate) fn failed(&mut self, model: &str, now: f64, settings: Breaker) {
        let circuit = self.0.entry(model.to_owned()).or_default();
        circuit.failures = circuit.failures.saturating_add(1);
        if circuit.failures >= settings.failures {
            circuit.rests_until = Some(now + f64::from(settings.open_ms));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Breaker = Breaker { failures: 2, open_ms: 100 };

    #[test]
    fn it_rests_after_failures_in_a_row_and_one_request_tries_it() {
        let mut breakers = Breakers::default();
        breakers.failed("m", 0.0, SETTINGS);
        assert!(breakers.admits("m", 1.0, SETTINGS) && !breakers.rests("m", 1.0));
        breakers.failed("m", 1.0, SETTINGS);
        assert!(breakers.rests("m", 100.0) && !breakers.admits("m", 100.0, SETTINGS));
        assert!(!breakers.rests("m", 101.0));
        assert!(breakers.admits("m", 101.0, SETTINGS));
        assert!(!breakers.admits("m", 102.0, SETTINGS));
        breakers.failed("m", 103.0, SETTINGS);
        assert!(!breakers.admits("m", 202.0, SETTINGS));
        assert!(breakers.admits("m", 203.0, SETTINGS));
        breakers.succeeded("m");
        assert!(breakers.admits("m", 204.0, SETTINGS) && breakers.admits("m", 204.0, SETTINGS));
    }

    #[test]
    fn a_success_between_failures_counts_from_the_beginning() {
        let mut breakers = Breakers::default();
        breakers.failed("m", 0.0, SETTINGS);
        breakers.succeeded("m");
        breakers.failed("m", 0.0, SETTINGS);
        assert!(breakers.admits("m", 1.0, SETTINGS));
        assert!(breakers.admits("other", 1.0, SETTINGS));
    }
}
