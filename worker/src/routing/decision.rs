//! Decides among the candidates that are left: by the router's rating, the caller's budget and its session.

use std::cell::RefCell;
use std::rc::Rc;

use pointsman::{
    Assessment, CandidateScore, Decision, Manifest, Policy, Query, Reason, RouterError, Traffic,
};

use crate::accounting::budget::threshold_rise;
use crate::config::Settings;
use crate::error::GatewayError;
use crate::upstream::breaker::CallerId;

/// How far a pinned model's score may lie below the best one, in a bundle without a pair.
const PIN_MARGIN: f64 = 0.05;

/// The functions of the loaded bundle and of the circuit breakers that routing calls.
pub(crate) trait Engine {
    /// Rates a query with the bundle's router and `turn_decay`.
    ///
    /// # Errors
    /// The engine's.
    fn assess(&self, query: &Query, turn_decay: f64) -> Result<Assessment, RouterError>;
    /// Counts the tokens of a text.
    fn count(&self, text: &str) -> usize;
    /// The traffic of a caller, from which shares are computed.
    fn traffic(&self, caller: CallerId<'_>) -> Rc<RefCell<Traffic>>;
    /// Whether a model's circuit is open to a caller.
    fn circuit_is_open(&self, model: &str, caller: CallerId<'_>) -> bool;
}

/// The candidates that may and can answer a request, and why the others do not.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    /// The names of those that are left, in the bundle's order.
    pub(crate) left: Vec<String>,
    /// Why each of the others is not.
    pub(crate) out: Vec<String>,
}

/// What a decision depends on beside the request.
#[derive(Clone, Copy)]
pub(crate) struct Decider<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) settings: &'a Settings,
    pub(crate) engine: &'a dyn Engine,
    /// The caller, for the circuit breakers.
    pub(crate) caller: CallerId<'a>,
    /// The share of the caller's budget that is spent or reserved.
    pub(crate) budget_used: f64,
    /// The model that gave this session's last answer.
    pub(crate) pinned: Option<&'a str>,
}

impl Decider<'_> {
    /// Decides on a query, and adds it to the caller's traffic. Candidates whose circuit is open are left
    /// out, unless none of the others meets the policy.
    ///
    /// # Errors
    /// Those of the policy and the engine; `no_candidate`.
    pub(crate) fn decide(
        &self,
        query: &Query,
        policy: Policy,
        candidates: &Candidates,
    ) -> Result<(Decision, &'static str), GatewayError> {
        policy.check(self.manifest)?;
        let turn_decay = policy.turn_decay.or(self.settings.routing.turn_decay);
        let policy = Policy { turn_decay, ..policy };
        let assessment = self.engine.assess(query, policy.turn_decay())?;
        let learns = self.settings.routing.learn_shares;
        let traffic = learns.then(|| self.engine.traffic(self.caller));
        let among = |left: Vec<String>| {
            let all = left.len() == self.manifest.candidates.len();
            self.choose(
                Policy { candidates: (!all).then_some(left), ..policy.clone() },
                &assessment,
                traffic.as_deref(),
            )
        };
        let closed = self.with_closed_circuit(&candidates.left);
        let some_rest = closed.len() < candidates.left.len();
        let found = match among(closed) {
            Err(RouterError::NoCandidate { .. }) if some_rest => among(candidates.left.clone()),
            found => found,
        };
        found.map_err(|error| match error {
            RouterError::NoCandidate { detail } => {
                let reasons = candidates.out.iter().cloned().chain([detail]).collect::<Vec<_>>();
                RouterError::NoCandidate { detail: reasons.join("; ") }.into()
            }
            other => other.into(),
        })
    }

    /// Those models whose circuit is closed.
    pub(crate) fn with_closed_circuit(&self, models: &[String]) -> Vec<String> {
        let is_closed = |model: &&String| !self.engine.circuit_is_open(model, self.caller);
        models.iter().filter(is_closed).cloned().collect()
    }

    /// How far the caller's budget raises the threshold, in [0, 1].
    pub(crate) fn rise(&self) -> f64 {
        threshold_rise(self.budget_used, self.settings.budget.soft_from)
    }

    fn choose(
        &self,
        policy: Policy,
        assessment: &Assessment,
        traffic: Option<&RefCell<Traffic>>,
    ) -> Result<(Decision, &'static str), RouterError> {
        let rise = self.rise();
        let policy = lowered(policy, self.manifest, rise);
        let by_traffic = |policy: &Policy| {
            let traffic = traffic.map(RefCell::borrow);
            policy.decide_among(self.manifest, assessment, traffic.as_deref())
        };
        let mut decision = by_traffic(&policy)?;
        let raises = rise > 0.0 && policy.shares.is_none();
        // What a budget keeps back is not owed to the strong model.
        let mut asked = policy.clone();
        if let Some(threshold) = decision.threshold.filter(|_| raises) {
            let raised = threshold + (1.0 - threshold) * rise;
            asked = Policy { threshold: Some(raised), strong_share: None, ..asked };
            let threshold_from = decision.threshold_from;
            decision = Decision { threshold_from, ..asked.decide(self.manifest, assessment)? };
        }
        if let Some(traffic) = traffic {
            asked.learn(self.manifest, &decision, &mut traffic.borrow_mut());
        }
        let reason = reason(decision.reason);
        match self.pinned {
            Some(pinned) if self.keeps_pinned(pinned, &policy, assessment, &decision, rise) => {
                let index = self.manifest.candidate_index(pinned).unwrap_or_default();
                decision.model = pinned.to_owned();
                decision.estimated_cost = decision.scores.get(index).and_then(|s| s.estimated_cost);
                Ok((decision, "pinned"))
            }
            _ => Ok((decision, reason)),
        }
    }

    /// Whether the session keeps its pinned model: it meets the policy's constraints (candidates,
    /// `max_cost`, context window), routing does not want a stronger one, and the budget does not ask
    /// for a cheaper one.
    fn keeps_pinned(
        &self,
        pinned: &str,
        policy: &Policy,
        assessment: &Assessment,
        decision: &Decision,
        rise: f64,
    ) -> bool {
        if pinned == decision.model || !self.meets(pinned, policy, assessment) {
            return false;
        }
        let of = |model: &str| decision.scores.iter().find(|score| score.model == model);
        let (Some(kept), Some(chosen)) = (of(pinned), of(&decision.model)) else { return false };
        match decision.reason {
            Reason::AboveThreshold | Reason::BelowThreshold => {
                rise <= 0.0 && self.manifest.head.strong.as_deref() == Some(pinned)
            }
            Reason::ByShare => {
                rise <= 0.0 && policy.is_abler(self.manifest, pinned, &decision.model)
            }
            Reason::OnlyCandidate => false,
            Reason::BestScore => {
                // As in the engine's decision: the score less its weighted cost.
                let weight = policy.cost_weight.unwrap_or_default();
                let value = |score: &CandidateScore| {
                    score.score - weight * score.estimated_cost.unwrap_or_default()
                };
                let cheap = kept.estimated_cost.zip(chosen.estimated_cost);
                (rise <= 0.0 || cheap.is_some_and(|(kept, chosen)| kept <= chosen))
                    && value(kept) >= value(chosen) - PIN_MARGIN
            }
        }
    }

    /// Whether a candidate meets a policy's constraints.
    fn meets(&self, model: &str, policy: &Policy, assessment: &Assessment) -> bool {
        let allowed = policy.candidates.as_ref().is_none_or(|left| left.iter().any(|m| m == model));
        let alone = Policy { candidates: Some(vec![model.to_owned()]), ..policy.clone() };
        allowed && alone.decide(self.manifest, assessment).is_ok()
    }
}

/// Moves the fraction `rise`, in [0, 1], of the shares of abler candidates to the least able one.
fn lowered(policy: Policy, manifest: &Manifest, rise: f64) -> Policy {
    let Some(shares) = policy.shares.as_ref().filter(|_| rise > 0.0) else { return policy };
    let is_least = |name: &&String| {
        shares.keys().all(|other| !policy.is_abler(manifest, name.as_str(), other))
    };
    let least = shares.keys().find(is_least).cloned();
    let lowered = shares.iter().map(|(name, share)| {
        let gained = if least.as_ref() == Some(name) { rise } else { 0.0 };
        (name.clone(), share * (1.0 - rise) + gained)
    });
    Policy { shares: Some(lowered.collect()), ..policy }
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::AboveThreshold => "above_threshold",
        Reason::BelowThreshold => "below_threshold",
        Reason::BestScore => "best_score",
        Reason::ByShare => "by_share",
        Reason::OnlyCandidate => "only_candidate",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use pointsman::Calibration;

    use super::*;

    /// Win rate 0.75 for texts of more than ten letters, else 0.25; one token per letter. The list names the
    /// models with an open circuit.
    pub(crate) struct Letters<'a>(pub(crate) &'a [&'a str]);

    impl Engine for Letters<'_> {
        fn assess(&self, query: &Query, _: f64) -> Result<Assessment, RouterError> {
            let tokens = query.newest().len();
            let win_rate = if tokens > 10 { 0.75 } else { 0.25 };
            Ok(Assessment {
                scores: vec![1.0 - win_rate, win_rate],
                win_rate: Some(win_rate),
                tokens,
                rated_tokens: tokens,
            })
        }

        fn traffic(&self, _: CallerId<'_>) -> Rc<RefCell<Traffic>> {
            Rc::new(RefCell::new(Traffic::new(&crate::config::manifest())))
        }

        fn count(&self, text: &str) -> usize {
            text.len()
        }

        fn circuit_is_open(&self, model: &str, _: CallerId<'_>) -> bool {
            self.0.contains(&model)
        }
    }

    /// [`Letters`] with what the caller asked before.
    struct Learning(Rc<RefCell<Traffic>>);

    impl Engine for Learning {
        fn assess(&self, query: &Query, turn_decay: f64) -> Result<Assessment, RouterError> {
            Letters(&[]).assess(query, turn_decay)
        }

        fn count(&self, text: &str) -> usize {
            text.len()
        }

        fn traffic(&self, _: CallerId<'_>) -> Rc<RefCell<Traffic>> {
            Rc::clone(&self.0)
        }

        fn circuit_is_open(&self, _: &str, _: CallerId<'_>) -> bool {
            false
        }
    }

    /// The share of strong calls in the second half of 1,000 hard queries.
    fn strong_share(policy: &Policy, settings: &str, budget_used: f64) -> f64 {
        let quantiles = vec![0.0, 1.0];
        let calibration = Calibration { quantiles, sample: "even".into(), rows: 2, demands: None };
        let manifest = Manifest { calibration: Some(calibration), ..crate::config::manifest() };
        let engine = Learning(Rc::new(RefCell::new(Traffic::new(&manifest))));
        let decider = Decider {
            manifest: &manifest,
            settings: &Settings::from_json(Some(settings)).unwrap(),
            engine: &engine,
            caller: CallerId::Open(""),
            budget_used,
            pinned: None,
        };
        let candidates = Candidates { left: vec!["small".into(), "large".into()], out: Vec::new() };
        let query = Query::new("Prove it rigorously.").unwrap();
        let mut strong = 0.0;
        for request in 0..1000 {
            let (found, _) = decider.decide(&query, policy.clone(), &candidates).unwrap();
            strong += f64::from(u8::from(request >= 500 && found.model == "large")) / 500.0;
        }
        strong
    }

    #[test]
    fn a_share_comes_true_on_the_callers_own_traffic() {
        let near = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 0.03, "{found} {expected}");
        };
        let share = Policy::strong_share(0.3);
        near(strong_share(&share, "{}", 0.0), 0.3);
        let off = r#"{"routing": {"learnShares": false}}"#;
        near(strong_share(&share, off, 0.0), 1.0);
        // Of a budget that is nearly spent the threshold is above every query's win rate.
        near(strong_share(&share, "{}", 0.95), 0.0);
        let shares = [("small".to_owned(), 0.6), ("large".to_owned(), 0.4)];
        let shares = Policy { shares: Some(shares.into()), ..Policy::default() };
        near(strong_share(&shares, "{}", 0.0), 0.4);
        near(strong_share(&shares, "{}", 0.9), 0.2);
    }
}
