//! Decides among the candidates that are left: by the router's rating, the caller's budget and its session.

use pointsman::{
    Assessment, CandidateScore, Decision, Manifest, Policy, Query, Reason, RouterError,
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
    /// Decides on a query. Candidates whose circuit is open are left out, unless none of the others meets
    /// the policy.
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
        let among = |left: Vec<String>| {
            let all = left.len() == self.manifest.candidates.len();
            self.choose(
                Policy { candidates: (!all).then_some(left), ..policy.clone() },
                &assessment,
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
    ) -> Result<(Decision, &'static str), RouterError> {
        let mut decision = policy.decide(self.manifest, assessment)?;
        let rise = self.rise();
        if let Some(threshold) = decision.threshold.filter(|_| rise > 0.0) {
            let raised = threshold + (1.0 - threshold) * rise;
            let policy = Policy { threshold: Some(raised), strong_share: None, ..policy.clone() };
            decision = policy.decide(self.manifest, assessment)?;
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

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::AboveThreshold => "above_threshold",
        Reason::BelowThreshold => "below_threshold",
        Reason::BestScore => "best_score",
        Reason::OnlyCandidate => "only_candidate",
    }
}

#[cfg(test)]
pub(crate) mod tests {
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

        fn count(&self, text: &str) -> usize {
            text.len()
        }

        fn circuit_is_open(&self, model: &str, _: CallerId<'_>) -> bool {
            self.0.contains(&model)
        }
    }
}
