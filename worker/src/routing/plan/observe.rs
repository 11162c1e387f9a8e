//! Plans a request whose decision is only logged: the model that it names is called, or the strong one.

use pointsman::{Decision, Policy, Query};

use super::{Choice, Needs, Planner};
use crate::config::Mode;
use crate::request::endpoint::Dialect;
use crate::request::model_name::Target;
use crate::routing::without_text;

/// The models to call, with what routing chose.
pub(super) struct Called {
    pub(super) chain: Vec<String>,
    /// Why the first of them is called.
    pub(super) reason: &'static str,
    /// The model that routing chose, and why.
    pub(super) chosen: Option<(String, &'static str)>,
    pub(super) decision: Option<Decision>,
}

impl Planner<'_> {
    /// What is called: routing's choice, or with [`Mode::Observe`] the model that the request names, else the
    /// strong one.
    pub(super) fn called(
        &self,
        choice: Choice,
        named: bool,
        query: Option<&Query>,
        needs: &Needs<'_>,
    ) -> Called {
        let as_chosen = |choice: Choice| Called {
            reason: choice.reason,
            chosen: Some((choice.model, choice.reason)),
            chain: choice.chain,
            decision: choice.decision,
        };
        match (self.mode, named) {
            (Mode::On, false) => as_chosen(choice),
            // What alone can go on from what it stored is called in any case.
            (Mode::Observe, false) if choice.reason == "pinned" => as_chosen(choice),
            (Mode::Observe, false) => {
                let chain = self.strong_chain(&choice, needs);
                let chain = chain.unwrap_or_else(|| choice.chain.clone());
                Called { chain, reason: "observed", ..as_chosen(choice) }
            }
            (_, true) => {
                let observed = match self.mode {
                    Mode::On => None,
                    Mode::Observe => self.unasked(query, needs),
                };
                let chosen = observed.as_ref().map(|found| (found.model.clone(), found.reason));
                let decision = observed.and_then(|found| found.decision);
                Called { chain: choice.chain, reason: choice.reason, chosen, decision }
            }
        }
    }

    /// The session's model, where it counts: an observed session keeps no model, since the one that routing
    /// chose did not answer.
    pub(super) fn session_model(&self) -> Option<&str> {
        self.pinned.filter(|_| self.mode == Mode::On)
    }

    /// The strong model and its fallbacks, if it may and can answer.
    fn strong_chain(&self, choice: &Choice, needs: &Needs<'_>) -> Option<Vec<String>> {
        let strong = without_text::strongest(self.permissions.manifest)?;
        let may = strong != choice.model
            && self.answers_instead(strong, needs)
            && self.fits(strong, needs)
            && self.costs_at_most(&[strong], needs);
        if may { self.chain(strong, needs).ok() } else { None }
    }

    /// What routing would choose for a request that names its model; none if it cannot be rated. The caller
    /// need not be allowed to ask for routing, since the model named is called.
    fn unasked(&self, query: Option<&Query>, needs: &Needs<'_>) -> Option<Choice> {
        let query = query.filter(|_| needs.request.dialect != Dialect::Embeddings)?;
        let headers = &self.permissions.options.policy;
        let serves = |name: &str| self.permissions.serves(name);
        let target = Target::new("auto", headers, self.permissions.manifest, serves).ok()?;
        let Target::Routed(policy) = target else { return None };
        let policy = Policy {
            input_tokens: Some(u32::try_from(needs.input_tokens).unwrap_or(u32::MAX)),
            output_tokens: needs.request.output_tokens(),
            ..policy
        };
        self.choose(Some(query), policy, needs).ok()
    }
}
