//! Circuits of callers and of models.

use super::*;

const SETTINGS: Breaker = Breaker { failures: 4, open_ms: 100 };
const ANN: CallerId<'_> = CallerId::Key("ann");
const BOB: CallerId<'_> = CallerId::Key("bob");
const CAT: CallerId<'_> = CallerId::Key("cat");

/// The circuits of one model.
#[derive(Default)]
struct Model(Breakers);

impl Model {
    fn fails(&mut self, caller: CallerId<'_>, times: u32, now: f64) {
        (0..times).for_each(|_| self.0.record("m", caller, Outcome::Failed, now, SETTINGS));
    }

    fn answers(&mut self, caller: CallerId<'_>, now: f64) {
        self.0.record("m", caller, Outcome::Answered, now, SETTINGS);
    }

    fn says_nothing(&mut self, caller: CallerId<'_>, now: f64) {
        self.0.record("m", caller, Outcome::Unknown, now, SETTINGS);
    }

    fn admits(&mut self, caller: CallerId<'_>, now: f64) -> bool {
        assert!(!self.0.is_open("other", caller, now), "models have circuits of their own");
        let open = self.0.is_open("m", caller, now);
        let admitted = self.0.admits("m", caller, now, SETTINGS);
        assert_ne!(open, admitted);
        admitted
    }
}

/// A model that two callers found failing at 0.
fn dead() -> Model {
    let mut model = Model::default();
    model.fails(ANN, 2, 0.0);
    model.fails(BOB, 2, 0.0);
    model
}

#[test]
fn a_callers_failures_in_a_row_close_the_upstream_to_it_and_then_one_call_tries() {
    let mut model = Model::default();
    model.fails(ANN, 3, 0.0);
    assert!(model.admits(ANN, 1.0));
    model.fails(ANN, 1, 1.0);
    assert!(!model.admits(ANN, 100.0));
    assert!(model.admits(ANN, 101.0));
    assert!(!model.admits(ANN, 102.0), "one call tries");
    model.fails(ANN, 1, 103.0);
    assert!(!model.admits(ANN, 202.0));
    assert!(model.admits(ANN, 203.0));
    model.answers(ANN, 204.0);
    assert!(model.admits(ANN, 204.0) && model.admits(ANN, 204.0));
    model.fails(ANN, 3, 205.0);
    assert!(model.admits(ANN, 205.0), "an answer restarts the count");
}

#[test]
fn one_callers_failures_shut_nobody_else_out() {
    let mut model = Model::default();
    for at in 0..50 {
        let now = f64::from(at);
        model.fails(ANN, 10, now);
        assert!(model.admits(BOB, now) && model.admits(CAT, now), "{at}");
        model.answers(BOB, now);
        model.answers(CAT, now);
    }
}

#[test]
fn an_answered_callers_odd_failure_beside_a_failing_caller_opens_nothing() {
    let mut model = Model::default();
    model.fails(ANN, 10, 0.0);
    for at in 1..50 {
        let now = f64::from(at);
        model.fails(BOB, 1, now);
        assert!(model.admits(CAT, now), "{at}");
        model.answers(BOB, now);
    }
    // Two failures in a row, while more callers got answers.
    model.fails(BOB, 1, 60.0);
    for other in ["c", "d"] {
        model.answers(CallerId::Key(other), 61.0);
    }
    model.fails(BOB, 1, 62.0);
    assert!(model.admits(CAT, 63.0));
}

#[test]
fn a_dead_upstream_is_noticed_for_all_although_one_caller_sends_most_calls() {
    let mut model = Model::default();
    for caller in [ANN, BOB, CAT] {
        model.answers(caller, 0.0);
    }
    model.fails(ANN, 4, 1.0);
    assert!(!model.admits(ANN, 2.0) && model.admits(CAT, 2.0));
    model.fails(BOB, 1, 2.0);
    assert!(model.admits(CAT, 2.0));
    model.fails(BOB, 1, 3.0);
    assert!(!model.admits(CAT, 4.0) && !model.admits(BOB, 4.0));
}

#[test]
fn a_dead_upstream_is_noticed_beside_a_caller_that_always_fails() {
    let mut model = Model::default();
    let others: Vec<String> = (0..9).map(|at| format!("other{at}")).collect();
    let answered = |model: &mut Model, now| {
        others.iter().for_each(|name| model.answers(CallerId::Key(name), now));
    };
    model.fails(ANN, 9, 0.0);
    answered(&mut model, 10_000.0);
    // From here on nobody is answered.
    model.fails(BOB, 1, 12_000.0);
    assert!(model.admits(CAT, 12_000.0));
    model.fails(CAT, 1, 12_001.0);
    assert!(!model.admits(CallerId::Key("other1"), 12_002.0));
}

#[test]
fn callers_that_restart_their_rows_together_open_nothing_while_others_are_answered() {
    let mut model = Model::default();
    model.fails(ANN, 1, 0.0);
    for at in 1..50 {
        let now = f64::from(at) * 100.0;
        for name in ["c", "d", "e"] {
            model.answers(CallerId::Key(name), now);
        }
        for caller in [ANN, BOB] {
            model.answers(caller, now);
            model.fails(caller, 3, now);
        }
        assert!(model.admits(CAT, now), "{at}");
    }
}

#[test]
fn many_callers_with_a_failure_each_open_the_circuit() {
    let mut model = Model::default();
    for name in ["a", "b", "c"] {
        model.fails(CallerId::Key(name), 1, 0.0);
        assert!(model.admits(ANN, 0.0));
    }
    model.fails(CallerId::Key("d"), 1, 0.0);
    assert!(!model.admits(ANN, 1.0));
}

#[test]
fn one_callers_answers_do_not_keep_the_circuit_from_opening() {
    let mut model = Model::default();
    for at in 0..2 {
        let now = f64::from(at);
        model.answers(CAT, now);
        model.fails(ANN, 1, now);
        model.fails(BOB, 1, now);
        model.answers(CAT, now);
    }
    assert!(!model.admits(CAT, 2.0));
    model.answers(CAT, 2.0);
    assert!(!model.admits(ANN, 3.0), "an answer to a call of before says no more than that");
}

#[test]
fn what_says_nothing_changes_nothing() {
    let mut model = Model::default();
    for _ in 0..10 {
        model.says_nothing(ANN, 0.0);
    }
    for failed in 1..=4 {
        assert!(model.admits(ANN, 0.0), "{failed}");
        model.says_nothing(ANN, 0.0);
        model.fails(ANN, 1, 0.0);
    }
    model.says_nothing(ANN, 1.0);
    assert!(!model.admits(ANN, 2.0));
}

#[test]
fn one_call_at_a_time_tries_the_upstream_for_all() {
    let mut model = dead();
    assert!(!model.admits(CAT, 99.0));
    assert!(model.admits(CAT, 100.0));
    assert!(!model.admits(ANN, 101.0) && !model.admits(CAT, 101.0));
    model.answers(CAT, 102.0);
    for caller in [ANN, BOB, CAT] {
        assert!(model.admits(caller, 103.0) && model.admits(caller, 103.0));
    }
}

#[test]
fn no_caller_takes_every_trial() {
    let mut model = dead();
    assert!(model.admits(ANN, 100.0));
    model.fails(ANN, 1, 110.0);
    assert!(!model.admits(ANN, 210.0), "the next trial is another caller's");
    assert!(model.admits(CAT, 210.0));
    model.answers(CAT, 211.0);
    assert!(model.admits(BOB, 212.0));
    // A call that says nothing leaves the trial to the next caller.
    let mut model = dead();
    assert!(model.admits(ANN, 100.0));
    model.says_nothing(ANN, 101.0);
    assert!(!model.admits(ANN, 102.0) && model.admits(BOB, 102.0));
    // So does one whose outcome is never told, once the time has passed.
    assert!(!model.admits(CAT, 103.0));
    assert!(model.admits(CAT, 202.0));
}

#[test]
fn failures_of_long_ago_do_not_count_for_all() {
    let mut model = Model::default();
    model.fails(ANN, 4, 0.0);
    model.fails(BOB, 2, WINDOW_MS + 1.0);
    assert!(model.admits(CAT, WINDOW_MS + 2.0));
}

#[test]
fn callers_without_a_key_do_not_close_an_upstream_to_keys() {
    let mut breakers = Breakers::default();
    let addresses: Vec<String> = (0..9).map(|at| format!("2001:db8::{at}")).collect();
    for address in &addresses {
        let caller = CallerId::Open(address);
        (0..9).for_each(|_| breakers.record("m", caller, Outcome::Failed, 0.0, SETTINGS));
    }
    assert!(breakers.is_open("m", CallerId::Open("192.0.2.1"), 1.0));
    assert!(breakers.admits("m", ANN, 1.0, SETTINGS));
}

#[test]
fn memory_is_bounded() {
    let mut model = Model::default();
    for at in 0..4 * u32::try_from(MAX_CALLERS).unwrap_or(0) {
        let name = at.to_string();
        match at % 2 {
            0 => model.answers(CallerId::Key(&name), f64::from(at)),
            _ => model.fails(CallerId::Key(&name), 1, f64::from(at)),
        }
    }
    model.says_nothing(ANN, 0.0);
    assert!(model.0.of_keys.values().all(|circuit| circuit.callers.len() <= MAX_CALLERS));
}
