//! Circuit breaker: after several failures in a row a model's circuit opens, and its upstream is not
//! called for a while; then one request tries it.
//! Each isolate counts its own failures, so reading a circuit needs no network call.

use std::collections::HashMap;

use crate::config::Breaker;

/// The circuits of an isolate, by model.
#[derive(Debug, Default)]
pub(crate) struct Breakers(HashMap<String, Circuit>);

#[derive(Debug, Default)]
struct Circuit {
    failures: u32,
    /// Until when the circuit is open, in milliseconds since 1970; none while it is closed.
    open_until: Option<f64>,
}

impl Breakers {
    /// Whether a model's circuit is open at `now`, in milliseconds since 1970.
    pub(crate) fn is_open(&self, model: &str, now: f64) -> bool {
        self.0.get(model).and_then(|circuit| circuit.open_until).is_some_and(|until| now < until)
    }

    /// Whether a model may be called now. Once the open time has passed, one caller is admitted, and
    /// the circuit stays open for the others until that call succeeds or the time passes again.
    pub(crate) fn admits(&mut self, model: &str, now: f64, settings: Breaker) -> bool {
        match self.0.get_mut(model) {
            Some(Circuit { open_until: Some(until), .. }) => {
                let admitted = now >= *until;
                if admitted {
                    *until = now + f64::from(settings.open_ms);
                }
                admitted
            }
            _ => true,
        }
    }

    /// Records a successful call: closes the circuit.
    pub(crate) fn succeeded(&mut self, model: &str) {
        self.0.remove(model);
    }

    /// Records a failed call; opens the circuit at `settings.failures` in a row.
    pub(crate) fn failed(&mut self, model: &str, now: f64, settings: Breaker) {
        let circuit = self.0.entry(model.to_owned()).or_default();
        circuit.failures = circuit.failures.saturating_add(1);
        if circuit.failures >= settings.failures {
            circuit.open_until = Some(now + f64::from(settings.open_ms));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Breaker = Breaker { failures: 2, open_ms: 100 };

    #[test]
    fn failures_in_a_row_open_the_circuit_then_one_request_tries_the_upstream() {
        let mut breakers = Breakers::default();
        breakers.failed("m", 0.0, SETTINGS);
        assert!(breakers.admits("m", 1.0, SETTINGS) && !breakers.is_open("m", 1.0));
        breakers.failed("m", 1.0, SETTINGS);
        assert!(breakers.is_open("m", 100.0) && !breakers.admits("m", 100.0, SETTINGS));
        assert!(!breakers.is_open("m", 101.0));
        assert!(breakers.admits("m", 101.0, SETTINGS));
        assert!(!breakers.admits("m", 102.0, SETTINGS));
        breakers.failed("m", 103.0, SETTINGS);
        assert!(!breakers.admits("m", 202.0, SETTINGS));
        assert!(breakers.admits("m", 203.0, SETTINGS));
        breakers.succeeded("m");
        assert!(breakers.admits("m", 204.0, SETTINGS) && breakers.admits("m", 204.0, SETTINGS));
    }

    #[test]
    fn a_success_restarts_the_count_of_failures() {
        let mut breakers = Breakers::default();
        breakers.failed("m", 0.0, SETTINGS);
        breakers.succeeded("m");
        breakers.failed("m", 0.0, SETTINGS);
        assert!(breakers.admits("m", 1.0, SETTINGS));
        assert!(breakers.admits("other", 1.0, SETTINGS));
    }
}
