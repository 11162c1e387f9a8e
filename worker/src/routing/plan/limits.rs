//! Whether a model holds a request, and whether it costs no more than the caller's limit.

use super::{Needs, Planner};
use crate::accounting::prices::Prices;
use crate::accounting::window;
use crate::request::endpoint::Dialect;
use crate::routing::permissions::Permissions;

impl Planner<'_> {
    /// Whether a model's context window, if it is known, holds the request and a short answer.
    pub(super) fn fits(&self, model: &str, needs: &Needs<'_>) -> bool {
        let (input, output) = (needs.input_tokens as u64, needs.request.output_tokens());
        self.context_window(model).is_none_or(|window| window::holds(window, input, output))
    }

    /// A model's context window in tokens, the configuration's or the bundle's.
    pub(crate) fn context_window(&self, model: &str) -> Option<u64> {
        let Permissions { manifest, upstreams, .. } = self.permissions;
        let stated = upstreams.get(model).and_then(|upstream| upstream.context_window);
        let bundles = manifest.candidates.iter().find(|candidate| candidate.id == model);
        stated.or_else(|| bundles.and_then(|candidate| candidate.context_window))
    }

    /// A model's prices, the configuration's or the bundle's.
    fn prices(&self, model: &str, dialect: Dialect) -> Option<Prices> {
        let Permissions { manifest, upstreams, .. } = self.permissions;
        let candidate = manifest.candidates.iter().find(|candidate| candidate.id == model);
        Prices::of(upstreams.get(model)?, candidate, dialect)
    }

    /// Whether one answer of each of these models is estimated to cost no more than the caller's limit.
    pub(super) fn costs_at_most(&self, models: &[&str], needs: &Needs<'_>) -> bool {
        let Some(limit) = needs.max_cost else { return true };
        let output = needs.request.output_tokens();
        let costs = models.iter().map(|model| {
            let prices = self.prices(model, needs.request.dialect)?;
            Some(prices.estimate(needs.input_tokens, output))
        });
        costs.sum::<Option<f64>>().is_some_and(|cost| cost <= limit)
    }
}
