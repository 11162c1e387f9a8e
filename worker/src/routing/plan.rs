//! Chooses the model that answers a request, and its fallbacks.
//!
//! ```text
//! model, headers -> target -> allowed and capable candidates -> decision -> [chosen, its fallbacks]
//! ```

use pointsman::{
    Assessment, CandidateScore, Decision, Manifest, Policy, Query, Reason, RouterError,
};

use crate::accounting::budget::threshold_rise;
use crate::accounting::prices::Prices;
use crate::config::{Key, Settings, Upstreams};
use crate::error::GatewayError;
use crate::request::body::RequestBody;
use crate::request::endpoint::Dialect;
use crate::request::input_tokens::input_tokens;
use crate::request::model_name::{PolicyHeaders, Target, means_routing};
use crate::upstream::breaker::CallerId;
use crate::upstream::refused_fields::{Rules, refused_field, refused_tool};

/// How far a pinned model's score may lie below the best one, in a bundle without a pair.
const PIN_MARGIN: f64 = 0.05;

/// The routing options in the caller's headers.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestOptions {
    /// The policy.
    pub(crate) policy: PolicyHeaders,
    /// `x-pointsman-models`: only these models.
    pub(crate) models: Option<Vec<String>>,
    /// `x-pointsman-exclude`: not these models.
    pub(crate) exclude: Vec<String>,
    /// `x-pointsman-cascade`: whether a cheaper model may answer first.
    pub(crate) cascade: Option<bool>,
}

/// The functions of the loaded bundle and of the circuit breakers that [`Planner`] calls.
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

/// Everything a plan depends on beside the request.
pub(crate) struct Planner<'a> {
    /// The bundle's manifest with the configuration's windows and prices.
    pub(crate) manifest: &'a Manifest,
    /// The configured upstreams.
    pub(crate) upstreams: &'a Upstreams,
    /// The gateway's settings.
    pub(crate) settings: &'a Settings,
    /// The caller's key, if it has one.
    pub(crate) key: Option<&'a Key>,
    /// The caller, for the circuit breakers.
    pub(crate) caller: CallerId<'a>,
    /// Whether the gateway has keys.
    pub(crate) has_keys: bool,
    /// The caller's headers.
    pub(crate) options: &'a RequestOptions,
    /// The bundle's router and the isolate's circuit breakers.
    pub(crate) engine: &'a dyn Engine,
    /// The share of the caller's budget that is spent or reserved.
    pub(crate) budget_used: f64,
    /// The model that gave this session's last answer.
    pub(crate) pinned: Option<&'a str>,
}

/// The models to call for a request, with the decision behind them.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The models to call, in order; at least one.
    pub(crate) chain: Vec<String>,
    /// The routing decision; none if the caller named a model.
    pub(crate) decision: Option<Decision>,
    /// Why the first model of the chain was chosen.
    pub(crate) reason: &'static str,
    /// The query that was rated.
    pub(crate) query: Option<Query>,
    /// Input tokens, counted by the bundle's tokenizer.
    pub(crate) input_tokens: usize,
    /// The request's limit on output tokens, if it states one.
    pub(crate) output_tokens: Option<u32>,
    /// The model to call if the first one's answer fails the cascade's check.
    pub(crate) escalate_to: Option<String>,
    /// Whether the caller has a list of models or a budget.
    pub(crate) restricted: bool,
}

impl Planner<'_> {
    /// Plans a request.
    ///
    /// # Errors
    /// Errors of the model name, headers, query, policy and configuration;
    /// [`GatewayError::ModelNotAllowed`].
    pub(crate) fn plan(&self, request: &RequestBody, text: &str) -> Result<Plan, GatewayError> {
        self.check_headers()?;
        let serves = |name: &str| self.serves(name);
        let target = Target::new(&request.model, &self.options.policy, self.manifest, serves)?;
        if request.dialect == Dialect::Embeddings && matches!(target, Target::Routed(_)) {
            let expected = "a model of UPSTREAMS: embeddings are not routed".into();
            return Err(GatewayError::ModelNotFound { found: request.model.clone(), expected });
        }
        // Permission comes before the work of reading and counting the conversation.
        match &target {
            Target::Named(model) => self.check_allowed(model)?,
            Target::Routed(_) => self.check_may_route(&request.model)?,
        }
        let conversation = request.conversation(text);
        let input_tokens = input_tokens(request, text, &|text| self.engine.count(text));
        let output_tokens = request.output_tokens();
        match target {
            Target::Named(model) => {
                let needs = Needs { request, text, input_tokens, max_cost: None };
                Ok(Plan {
                    chain: self.chain(&model, &needs)?,
                    decision: None,
                    reason: "requested",
                    query: request.query(&conversation, self.settings.routing.system).ok(),
                    input_tokens,
                    output_tokens,
                    escalate_to: None,
                    restricted: self.is_restricted(),
                })
            }
            Target::Routed(policy) => {
                let query = request.query(&conversation, self.settings.routing.system)?;
                let policy = Policy {
                    input_tokens: Some(u32::try_from(input_tokens).unwrap_or(u32::MAX)),
                    output_tokens,
                    ..policy
                };
                let needs = Needs { request, text, input_tokens, max_cost: policy.max_cost };
                let lacks = |model: &str| self.missing_capability(model, request);
                let (decision, reason) = self.decide(&query, policy, &lacks)?;
                Ok(Plan {
                    chain: self.chain(&decision.model, &needs)?,
                    escalate_to: self.escalation(&decision.model, &needs),
                    restricted: self.is_restricted(),
                    decision: Some(decision),
                    reason,
                    query: Some(query),
                    input_tokens,
                    output_tokens,
                })
            }
        }
    }

    /// Makes the decision alone, for `/v1/route`. It has the scores and costs only of candidates that
    /// the caller may use.
    ///
    /// # Errors
    /// Errors of headers, query and policy; [`GatewayError::ModelNotAllowed`]; `no_candidate`.
    pub(crate) fn route(&self, query: &Query, policy: Policy) -> Result<Decision, GatewayError> {
        self.check_headers()?;
        self.check_may_route(&self.manifest.name)?;
        let (mut decision, _) = self.decide(query, policy, &|_| None)?;
        decision.scores.retain(|score| self.exclusion(&score.model).is_none());
        Ok(decision)
    }

    /// Whether a name is that of a candidate or of a model of UPSTREAMS.
    pub(crate) fn serves(&self, name: &str) -> bool {
        self.manifest.candidate_index(name).is_some() || self.upstreams.get(name).is_some()
    }

    /// Whether this caller may request a name: a model's, the bundle's or `auto`.
    pub(crate) fn may_request(&self, name: &str) -> bool {
        let routed = !self.serves(name);
        let granted = |name| self.key.is_none_or(|key| key.may_request(name));
        match routed {
            true => granted("auto") || granted(name),
            false => granted(name) && self.may_answer(name),
        }
    }

    /// Whether this caller may be answered by a model.
    fn may_answer(&self, model: &str) -> bool {
        self.refusal(model).is_none()
    }

    /// Whether a name means routing. A served model's name does not.
    fn means_routing(&self, name: &str) -> bool {
        !self.serves(name) && means_routing(name, &self.manifest.name)
    }

    /// Why the configuration or the caller's key excludes a model. A key's `models` exclude every model
    /// that they do not name, unless all of them mean routing: a name that is not served any more, or
    /// was misspelt, matches nothing and still limits.
    fn exclusion(&self, model: &str) -> Option<&'static str> {
        let holds = |list: &[String]| list.iter().any(|name| name == model);
        let models = &self.settings.models;
        let of_key = self.key.and_then(|key| key.models.as_deref());
        let limits = |names: &[String]| {
            names.is_empty() || !names.iter().all(|name| self.means_routing(name))
        };
        if models.allow.as_deref().is_some_and(|allow| !holds(allow)) || holds(&models.deny) {
            Some("the gateway's configuration excludes it")
        } else if of_key.is_some_and(|names| limits(names) && !holds(names)) {
            Some("the key's models do not include it")
        } else {
            None
        }
    }

    /// Why this caller may not be answered by a model.
    fn refusal(&self, model: &str) -> Option<&'static str> {
        let holds = |list: &[String]| list.iter().any(|name| name == model);
        if let Some(why) = self.exclusion(model) {
            Some(why)
        } else if self.options.models.as_deref().is_some_and(|models| !holds(models)) {
            Some("x-pointsman-models does not include it")
        } else if holds(&self.options.exclude) {
            Some("x-pointsman-exclude includes it")
        } else {
            None
        }
    }

    fn check_allowed(&self, model: &str) -> Result<(), GatewayError> {
        if let Some(key) = self.key.filter(|key| !key.may_request(model)) {
            return Err(GatewayError::ModelNotAllowed {
                model: model.to_owned(),
                why: format!("the key {:?} may not request it", key.name),
            });
        }
        match self.refusal(model) {
            Some(why) => {
                Err(GatewayError::ModelNotAllowed { model: model.to_owned(), why: why.to_owned() })
            }
            None => Ok(()),
        }
    }

    /// Checks the permission to route: a key with `auto` may use every name that means routing.
    fn check_may_route(&self, asked: &str) -> Result<(), GatewayError> {
        match self.key.filter(|key| !key.may_request("auto") && !key.may_request(asked)) {
            Some(key) => Err(GatewayError::ModelNotAllowed {
                model: asked.to_owned(),
                why: format!("the key {:?} may not request \"auto\"", key.name),
            }),
            None => Ok(()),
        }
    }

    fn check_headers(&self) -> Result<(), GatewayError> {
        let named = [
            ("x-pointsman-models", self.options.models.as_deref().unwrap_or_default()),
            ("x-pointsman-exclude", &self.options.exclude),
        ];
        for (header, models) in named {
            if let Some(found) = models.iter().find(|model| !self.serves(model)) {
                return Err(GatewayError::HeaderUnknownModel { header, found: found.clone() });
            }
        }
        Ok(())
    }

    /// The first capability of this request that a model missing_capability.
    fn missing_capability(&self, model: &str, request: &RequestBody) -> Option<&'static str> {
        let upstream = self.upstreams.get(model)?;
        if upstream.tools == Some(false) && request.has_tools() {
            Some("does not take tools")
        } else if upstream.vision == Some(false) && request.has_images() {
            Some("does not take images")
        } else {
            None
        }
    }

    fn decide(
        &self,
        query: &Query,
        policy: Policy,
        missing_capability: &dyn Fn(&str) -> Option<&'static str>,
    ) -> Result<(Decision, &'static str), GatewayError> {
        policy.check(self.manifest)?;
        let turn_decay = policy.turn_decay.or(self.settings.routing.turn_decay);
        let policy = Policy { turn_decay, ..policy };
        let policy = self.restrict_candidates(policy, missing_capability)?;
        let assessment = self.engine.assess(query, policy.turn_decay())?;
        let mut decision = policy.decide(self.manifest, &assessment)?;
        let rise = threshold_rise(self.budget_used, self.settings.budget.soft_from);
        if let Some(threshold) = decision.threshold.filter(|_| rise > 0.0) {
            let raised = threshold + (1.0 - threshold) * rise;
            let policy = Policy { threshold: Some(raised), strong_share: None, ..policy.clone() };
            decision = policy.decide(self.manifest, &assessment)?;
        }
        let reason = reason(decision.reason);
        match self.pinned {
            Some(pinned) if self.keeps_pinned(pinned, &policy, &assessment, &decision, rise) => {
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

    /// Restricts the policy to candidates that are allowed and capable. Those whose circuit is open
    /// are left out too, unless that would leave none.
    fn restrict_candidates(
        &self,
        policy: Policy,
        missing_capability: &dyn Fn(&str) -> Option<&'static str>,
    ) -> Result<Policy, GatewayError> {
        let mut left = Vec::new();
        let mut out = Vec::new();
        for candidate in &self.manifest.candidates {
            let id = &candidate.id;
            let wanted = policy.candidates.as_ref().is_none_or(|wanted| wanted.contains(id));
            match (wanted, self.refusal(id).or_else(|| missing_capability(id))) {
                (false, _) => out.push(format!("{id}: the policy's candidates do not include it")),
                (true, Some(why)) => out.push(format!("{id}: {why}")),
                (true, None) => left.push(id.clone()),
            }
        }
        if left.is_empty() {
            return Err(RouterError::NoCandidate { detail: out.join("; ") }.into());
        }
        let is_closed = |id: &&String| !self.engine.circuit_is_open(id, self.caller);
        let closed: Vec<String> = left.iter().filter(is_closed).cloned().collect();
        let left = if closed.is_empty() { left } else { closed };
        let all = left.len() == self.manifest.candidates.len();
        Ok(Policy { candidates: (!all).then_some(left), ..policy })
    }

    /// The chosen model, then those of its fallbacks that are allowed, capable, large enough and not
    /// dearer than the caller's limit.
    fn chain(&self, first: &str, needs: &Needs<'_>) -> Result<Vec<String>, GatewayError> {
        let upstream = self
            .upstreams
            .get(first)
            .ok_or_else(|| GatewayError::UpstreamNotConfigured { candidate: first.to_owned() })?;
        if let Some(field) = self.refused_field(first, needs) {
            return Err(GatewayError::FieldRefused { field, candidate: first.to_owned() });
        }
        let output = u64::from(needs.request.output_tokens().unwrap_or_default());
        let tokens = needs.input_tokens as u64 + output;
        let fits = |model: &str| {
            let stated = self.upstreams.get(model).and_then(|upstream| upstream.context_window);
            let bundles = self.manifest.candidates.iter().find(|candidate| candidate.id == model);
            let window = stated.or_else(|| bundles.and_then(|candidate| candidate.context_window));
            window.is_none_or(|window| window >= tokens)
        };
        let fallbacks = upstream.fallbacks.iter().filter(|model| {
            self.may_answer(model)
                && self.missing_capability(model, needs.request).is_none()
                && fits(model)
                && self.refused_field(model, needs).is_none()
                && self.costs_at_most(&[model], needs)
        });
        Ok(std::iter::once(first.to_owned()).chain(fallbacks.cloned()).collect())
    }

    /// The model to call if the chosen one's answer fails the check: both answers are paid for.
    fn escalation(&self, chosen: &str, needs: &Needs<'_>) -> Option<String> {
        let cascade = self.settings.cascade.as_ref()?;
        let on = self.options.cascade.unwrap_or(true);
        let applies = on && cascade.from.iter().any(|model| model == chosen);
        let may = applies
            && self.may_answer(&cascade.to)
            && self.refused_field(&cascade.to, needs).is_none()
            && self.costs_at_most(&[chosen, &cascade.to], needs);
        may.then(|| cascade.to.clone())
    }

    /// Whether the caller has a list of models or a budget, which fields that change the model or the price
    /// would void. A caller without a key shares the upstream's account with those that have one.
    pub(crate) fn is_restricted(&self) -> bool {
        self.key.map_or(self.has_keys, |key| key.models.is_some() || key.budget.is_some())
    }

    /// A field or a type of tool of the request that is not passed on to a model's upstream.
    fn refused_field(&self, model: &str, needs: &Needs<'_>) -> Option<String> {
        let Needs { request, text, .. } = *needs;
        let upstream = self.upstreams.get(model)?;
        let restricted = self.is_restricted();
        let rules = Rules { restricted, refuse: &upstream.refuse, allow: &upstream.allow };
        let field = refused_field(request.named_values(text), request.dialect, rules);
        let tool = || refused_tool(request.tool_types(), &upstream.allow).filter(|_| restricted);
        // An answer that is fetched later would not be charged.
        let budget = self.key.is_some_and(|key| key.budget.is_some());
        let later = || (budget && request.background).then_some("background");
        field.or_else(tool).or_else(later).map(str::to_owned)
    }

    /// A model's prices, the configuration's or the bundle's.
    pub(crate) fn prices(&self, model: &str, dialect: Dialect) -> Option<Prices> {
        let candidate = self.manifest.candidates.iter().find(|candidate| candidate.id == model);
        Prices::of(self.upstreams.get(model)?, candidate, dialect)
    }

    /// Whether one answer of each of these models is estimated to cost no more than the caller's limit.
    fn costs_at_most(&self, models: &[&str], needs: &Needs<'_>) -> bool {
        let Some(limit) = needs.max_cost else { return true };
        let output = needs.request.output_tokens();
        let costs = models.iter().map(|model| {
            let prices = self.prices(model, needs.request.dialect)?;
            Some(prices.estimate(needs.input_tokens, output))
        });
        costs.sum::<Option<f64>>().is_some_and(|cost| cost <= limit)
    }
}

/// What a request needs of the models that answer it.
struct Needs<'a> {
    request: &'a RequestBody,
    /// The request's body as sent.
    text: &'a str,
    input_tokens: usize,
    /// The caller's limit on the estimated cost, in US dollars.
    max_cost: Option<f64>,
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::AboveThreshold => "above_threshold",
        Reason::BelowThreshold => "below_threshold",
        Reason::BestScore => "best_score",
        Reason::OnlyCandidate => "only_candidate",
    }
}

/// Splits a header's comma-separated list of names.
pub(crate) fn listed(header: &str) -> Vec<String> {
    header.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
