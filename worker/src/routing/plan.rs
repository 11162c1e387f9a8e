//! Chooses the model that answers a request, and its fallbacks.
//!
//! ```text
//! model, headers -> target -> allowed and capable candidates -> decision -> [chosen, its fallbacks]
//! ```

use pointsman::{Decision, Policy, Query, RouterError};

mod limits;
mod observe;
mod shadow;

use observe::Called;
pub(crate) use shadow::pair_of;

use super::capability::{Demands, Inability};
use super::decision::{Candidates, Decider, Engine};
use super::permissions::Permissions;
use super::without_text;
use crate::config::{Api, Mode};
use crate::error::GatewayError;
use crate::request::body::RequestBody;
use crate::request::input_tokens::input_tokens;
use crate::request::model_name::Target;
use crate::translate::response_ids::{References, Stored, response_tag};
use crate::upstream::breaker::CallerId;

/// Everything a plan depends on beside the request.
pub(crate) struct Planner<'a> {
    /// The caller's permissions, with the configuration.
    pub(crate) permissions: Permissions<'a>,
    /// The caller, for the circuit breakers.
    pub(crate) caller: CallerId<'a>,
    /// The bundle's router and the isolate's circuit breakers.
    pub(crate) engine: &'a dyn Engine,
    /// The share of the caller's budget that is spent or reserved.
    pub(crate) budget_used: f64,
    /// The model that gave this session's last answer.
    pub(crate) pinned: Option<&'a str>,
    /// Whether the model that routing chooses is called.
    pub(crate) mode: Mode,
}

/// The models to call for a request, with the decision behind them.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The models to call, in order; at least one.
    pub(crate) chain: Vec<String>,
    /// The routing decision; none if nothing was rated.
    pub(crate) decision: Option<Decision>,
    /// Why the first model of the chain is called.
    pub(crate) reason: &'static str,
    /// What routing chose, and why; none if nothing was routed.
    pub(crate) chosen: Option<(String, &'static str)>,
    /// The LLM that could have answered in place of the first one, where both answers may be compared.
    pub(crate) counterpart: Option<String>,
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
    /// Whether the caller left the choice to routing.
    pub(crate) routed: bool,
    /// What the request refers to that an upstream stores.
    pub(crate) references: References,
}

/// What a request needs of the models that answer it.
struct Needs<'a> {
    request: &'a RequestBody,
    /// The request's body as sent.
    text: &'a str,
    demands: &'a Demands<'a>,
    references: &'a References,
    input_tokens: usize,
    /// The caller's limit on the estimated cost, in US dollars.
    max_cost: Option<f64>,
}

/// The model that routing chose, with those to call if it fails.
struct Choice {
    model: String,
    chain: Vec<String>,
    reason: &'static str,
    decision: Option<Decision>,
}

impl Planner<'_> {
    /// Plans a request.
    ///
    /// # Errors
    /// Errors of the model name, headers, query, policy and configuration;
    /// [`GatewayError::ModelNotAllowed`].
    pub(crate) fn plan(&self, request: &RequestBody, text: &str) -> Result<Plan, GatewayError> {
        // Permission comes before the work of reading and counting the conversation.
        let target = self.permissions.target(request)?;
        let input_tokens = input_tokens(request, text, &|text| self.engine.count(text));
        let output_tokens = request.output_tokens();
        // The conversation takes memory that trying the translation needs.
        let query =
            request.query(&request.conversation(text), self.permissions.settings.routing.system);
        let references = References::read(request, text);
        let demands = Demands::new(request, text, &references);
        let mut needs = Needs {
            request,
            text,
            demands: &demands,
            references: &references,
            input_tokens,
            max_cost: None,
        };
        let named = matches!(target, Target::Named(_));
        let (choice, query) = match target {
            Target::Named(model) => {
                let chain = self.chain(&model, &needs)?;
                let query = query.ok().flatten();
                let choice = Choice { model, chain, reason: "requested", decision: None };
                (choice, query)
            }
            Target::Routed(policy) => {
                needs.max_cost = policy.max_cost;
                match self.choose_keeper(&needs)? {
                    Some(choice) => (choice, query.ok().flatten()),
                    None => {
                        let query = query?;
                        let policy = Policy {
                            input_tokens: Some(u32::try_from(input_tokens).unwrap_or(u32::MAX)),
                            output_tokens,
                            ..policy
                        };
                        (self.choose(query.as_ref(), policy, &needs)?, query)
                    }
                }
            }
        };
        let Called { chain, reason, chosen, decision } =
            self.called(choice, named, query.as_ref(), &needs);
        let escalate_to = match &chosen {
            Some((model, _)) if self.mode == Mode::On => self.escalation(model, &needs),
            _ => None,
        };
        let counterpart = match escalate_to {
            None => self.counterpart(&chain[0], decision.as_ref(), &needs),
            Some(_) => None,
        };
        Ok(Plan {
            chain,
            decision,
            reason,
            chosen,
            counterpart,
            query,
            input_tokens,
            output_tokens,
            escalate_to,
            restricted: self.permissions.is_restricted(),
            routed: !named,
            references,
        })
    }

    /// Makes the decision alone, for `/v1/route`. It has the scores and costs only of candidates that
    /// the caller may use.
    ///
    /// # Errors
    /// Errors of headers, query and policy; [`GatewayError::ModelNotAllowed`]; `no_candidate`.
    pub(crate) fn route(&self, query: &Query, policy: Policy) -> Result<Decision, GatewayError> {
        self.permissions.check_headers()?;
        self.permissions.check_may_route(&self.permissions.manifest.name)?;
        policy.check(self.permissions.manifest)?;
        let candidates = self.candidates(&policy, &|_| None, &|_| false)?;
        let (mut decision, _) = self.decider().decide(query, policy, &candidates)?;
        decision.scores.retain(|score| self.permissions.exclusion(&score.model).is_none());
        Ok(decision)
    }

    fn decider(&self) -> Decider<'_> {
        let Permissions { manifest, settings, .. } = self.permissions;
        let Self { engine, caller, budget_used, .. } = *self;
        let pinned = self.session_model();
        Decider { manifest, settings, engine, caller, budget_used, pinned }
    }

    /// Chooses a model by the query's rating, or without one if there is no text to rate.
    fn choose(
        &self,
        query: Option<&Query>,
        policy: Policy,
        needs: &Needs<'_>,
    ) -> Result<Choice, GatewayError> {
        policy.check(self.permissions.manifest)?;
        let inability = |model: &str| self.inability(model, needs);
        let has_fallback = |model: &str| !self.fallbacks(model, needs).is_empty();
        let candidates = self.candidates(&policy, &inability, &has_fallback)?;
        match query {
            Some(query) => {
                let (decision, reason) = self.decider().decide(query, policy, &candidates)?;
                let model = decision.model.clone();
                let chain = self.routed_chain(&model, needs)?;
                Ok(Choice { model, chain, reason, decision: Some(decision) })
            }
            None => self.choose_without_text(&policy, &candidates, needs),
        }
    }

    /// Chooses the first model of those preferred without a rating that may and can answer, with a closed
    /// circuit if there is one.
    fn choose_without_text(
        &self,
        policy: &Policy,
        candidates: &Candidates,
        needs: &Needs<'_>,
    ) -> Result<Choice, GatewayError> {
        let decider = self.decider();
        let able = |model: &&str| {
            let is_left = candidates.left.iter().any(|left| left == model);
            let is_candidate = self.permissions.manifest.candidate_index(model).is_some();
            let may = is_left || (!is_candidate && self.answers_instead(model, needs));
            may && self.fits(model, needs) && self.costs_at_most(&[model], needs)
        };
        let preferred = without_text::preferred(&decider, policy);
        let preferred: Vec<String> =
            preferred.into_iter().filter(able).map(str::to_owned).collect();
        let closed = decider.with_closed_circuit(&preferred);
        let Some(model) = closed.into_iter().chain(preferred).next() else {
            let why = "the others exceed their context window or the cost limit".to_owned();
            let reasons = candidates.out.iter().cloned().chain([why]).collect::<Vec<_>>();
            return Err(RouterError::NoCandidate { detail: reasons.join("; ") }.into());
        };
        let is_pinned = decider.pinned == Some(model.as_str());
        let reason = if is_pinned { "pinned" } else { "no_text" };
        let chain = self.routed_chain(&model, needs)?;
        Ok(Choice { model, chain, reason, decision: None })
    }

    /// Chooses the model that keeps what the request goes on from, if one does.
    fn choose_keeper(&self, needs: &Needs<'_>) -> Result<Option<Choice>, GatewayError> {
        let Some(model) = self.keeper(needs.references)? else { return Ok(None) };
        self.permissions.check_may_answer(&model)?;
        if !self.costs_at_most(&[&model], needs) {
            let detail = format!("{model}: it alone can go on, and exceeds the cost limit");
            return Err(RouterError::NoCandidate { detail }.into());
        }
        let chain = self.chain(&model, needs)?;
        Ok(Some(Choice { model, chain, reason: "pinned", decision: None }))
    }

    /// Those candidates of the bundle that are allowed and capable; without any those for which a fallback
    /// can answer.
    fn candidates(
        &self,
        policy: &Policy,
        inability: &dyn Fn(&str) -> Option<Inability>,
        has_fallback: &dyn Fn(&str) -> bool,
    ) -> Result<Candidates, GatewayError> {
        let (mut found, mut unable) = (Candidates::default(), Vec::new());
        for candidate in &self.permissions.manifest.candidates {
            let id = &candidate.id;
            let wanted = policy.candidates.as_ref().is_none_or(|wanted| wanted.contains(id));
            let refusal = match wanted {
                true => self.permissions.refusal(id),
                false => Some("the policy's candidates do not include it"),
            };
            if let Some(why) = refusal {
                found.out.push(format!("{id}: {why}"));
            } else if let Some(inability) = inability(id) {
                found.out.push(format!("{id}: {}", inability.why));
                unable.push((id, inability));
            } else {
                found.left.push(id.clone());
            }
        }
        if found.left.is_empty() {
            let rescued = unable.iter().filter(|(id, _)| has_fallback(id));
            found.left = rescued.map(|(id, _)| (*id).clone()).collect();
        }
        if found.left.is_empty() {
            let inabilities: Vec<Inability> = unable.into_iter().map(|(_, why)| why).collect();
            let none_left = || RouterError::NoCandidate { detail: found.out.join("; ") }.into();
            return Err(Inability::common_error(&inabilities).unwrap_or_else(none_left));
        }
        Ok(found)
    }

    /// Why a model cannot be asked this request.
    fn inability(&self, model: &str, needs: &Needs<'_>) -> Option<Inability> {
        let upstream = self.permissions.upstreams.get(model)?;
        if let Some(field) = self.permissions.refused_field(model, needs.request, needs.text) {
            let candidate = model.to_owned();
            return Some(Inability::of(GatewayError::FieldRefused { field, candidate }));
        }
        needs.demands.unmet(model, upstream)
    }

    /// The named model, then its fallbacks.
    fn chain(&self, first: &str, needs: &Needs<'_>) -> Result<Vec<String>, GatewayError> {
        if self.permissions.upstreams.get(first).is_none() {
            return Err(GatewayError::UpstreamNotConfigured { candidate: first.to_owned() });
        }
        if let Some(field) = self.permissions.refused_field(first, needs.request, needs.text) {
            return Err(GatewayError::FieldRefused { field, candidate: first.to_owned() });
        }
        let fallbacks = self.fallbacks(first, needs);
        Ok(std::iter::once(first.to_owned()).chain(fallbacks).collect())
    }

    /// The chosen model, then its fallbacks; these alone if it cannot answer itself.
    fn routed_chain(&self, chosen: &str, needs: &Needs<'_>) -> Result<Vec<String>, GatewayError> {
        match self.inability(chosen, needs) {
            Some(_) => Ok(self.fallbacks(chosen, needs)),
            None => self.chain(chosen, needs),
        }
    }

    /// The model that keeps what a Responses request goes on from: if an id tells it, else the session's.
    ///
    /// # Errors
    /// [`GatewayError::ResponseNotFound`] if it is not served any more.
    fn keeper(&self, references: &References) -> Result<Option<String>, GatewayError> {
        let upstreams = self.permissions.upstreams;
        let Some(Stored { field, found, tag: Some(tag) }) = references.kept() else {
            let may = |model: &&str| {
                references.needs_stored()
                    && self.permissions.may_answer(model)
                    && upstreams.get(model).is_some_and(|upstream| upstream.api == Api::Openai)
            };
            return Ok(self.pinned.filter(may).map(str::to_owned));
        };
        let made = |model: &&str| {
            let upstream = upstreams.get(model).filter(|upstream| upstream.api == Api::Openai);
            upstream.is_some_and(|upstream| response_tag(upstream, model) == *tag)
        };
        // A model may have several names.
        let named = || upstreams.names().filter(made);
        let allowed = named().find(|model| self.permissions.may_answer(model));
        let not_found =
            || GatewayError::ResponseNotFound { field: field.clone(), found: found.clone() };
        allowed.or_else(|| named().next()).map(|model| Some(model.to_owned())).ok_or_else(not_found)
    }

    /// Whether a further model has what the request goes on from: one at the same account.
    fn shares_stored(&self, model: &str, further: &str, needs: &Needs<'_>) -> bool {
        let upstreams = self.permissions.upstreams;
        let account =
            |model| upstreams.get(model).map(|one| (one.origin(), one.key_secret.as_deref()));
        !needs.references.needs_stored() || account(model) == account(further)
    }

    /// Those of a model's fallbacks that may and can answer, are large enough and not dearer than the
    /// caller's limit.
    fn fallbacks(&self, model: &str, needs: &Needs<'_>) -> Vec<String> {
        let stated = self.permissions.upstreams.get(model).map(|upstream| &upstream.fallbacks);
        let answers = |further: &&String| {
            self.answers_instead(further, needs)
                && self.shares_stored(model, further, needs)
                && self.fits(further, needs)
                && self.costs_at_most(&[further], needs)
        };
        stated.into_iter().flatten().filter(answers).cloned().collect()
    }

    /// Whether a model that the caller did not name may and can answer.
    fn answers_instead(&self, model: &str, needs: &Needs<'_>) -> bool {
        self.permissions.may_answer(model) && self.inability(model, needs).is_none()
    }

    /// The model to call if the chosen one's answer fails the check: both answers are paid for.
    fn escalation(&self, chosen: &str, needs: &Needs<'_>) -> Option<String> {
        let Permissions { settings, options, .. } = self.permissions;
        let cascade = settings.cascade.as_ref()?;
        let on = options.cascade.unwrap_or(true);
        let applies = on && cascade.from.iter().any(|model| model == chosen);
        let may = applies
            && self.answers_instead(&cascade.to, needs)
            && self.shares_stored(chosen, &cascade.to, needs)
            && self.fits(&cascade.to, needs)
            && self.costs_at_most(&[chosen, &cascade.to], needs);
        may.then(|| cascade.to.clone())
    }
}

#[cfg(test)]
mod tests;
