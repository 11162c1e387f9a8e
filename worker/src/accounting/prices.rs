//! Computes the cost of an answer from its usage and the model's prices.

use pointsman::{Candidate, DEFAULT_OUTPUT_TOKENS};

use crate::config::{Api, Upstream};
use crate::request::endpoint::Dialect;
use crate::wire::usage::Usage;

/// What Anthropic charges for writing to a cache, as a multiple of the input price.
const ANTHROPIC_CACHE_WRITE: f64 = 1.25;
/// The same for a cache that lives for an hour.
const ANTHROPIC_CACHE_WRITE_1H: f64 = 2.0;

/// US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Prices {
    input: f64,
    output: f64,
    cached_input: f64,
    cache_write: f64,
    cache_write_1h: f64,
}

impl Prices {
    /// A model's prices: the configuration's, else the bundle's; none if one that the API needs is absent.
    /// Embeddings have no output. Budgets use the deployed bundle's prices alone: who may write to a bucket
    /// of bundles does not set what a budget is worth.
    pub(crate) fn of(
        upstream: &Upstream,
        candidate: Option<&Candidate>,
        dialect: Dialect,
    ) -> Option<Self> {
        let input = upstream.input_price.or_else(|| candidate?.input_price);
        let output = upstream.output_price.or_else(|| candidate?.output_price);
        Self::new(upstream, input, output, dialect)
    }

    fn new(
        upstream: &Upstream,
        input: Option<f64>,
        output: Option<f64>,
        dialect: Dialect,
    ) -> Option<Self> {
        let input = input?;
        let output = match dialect {
            Dialect::Embeddings => output.unwrap_or_default(),
            _ => output?,
        };
        let (written, written_1h) = match upstream.api {
            Api::Anthropic => (ANTHROPIC_CACHE_WRITE, ANTHROPIC_CACHE_WRITE_1H),
            Api::Openai | Api::WorkersAi => (1.0, 1.0),
        };
        Some(Self {
            input,
            output,
            cached_input: upstream.cached_input_price.unwrap_or(input),
            cache_write: upstream.cache_write_price.unwrap_or(input * written),
            cache_write_1h: upstream.cache_write_1h_price.unwrap_or(input * written_1h),
        })
    }

    /// The cost of an answer in US dollars: what the upstream states, else by its tokens.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn of_usage(&self, usage: &Usage) -> f64 {
        if let Some(stated) = usage.stated_cost {
            return stated as f64 / 1e9;
        }
        let fresh = usage
            .input_tokens
            .saturating_sub(usage.cached_tokens)
            .saturating_sub(usage.written_tokens)
            .saturating_sub(usage.written_1h_tokens);
        (fresh as f64 * self.input
            + usage.cached_tokens as f64 * self.cached_input
            + usage.written_tokens as f64 * self.cache_write
            + usage.written_1h_tokens as f64 * self.cache_write_1h
            + usage.output_tokens as f64 * self.output)
            / 1e6
    }

    /// What another answer of the same length would cost in US dollars: its cache is not known.
    pub(crate) fn of_tokens(&self, usage: &Usage) -> f64 {
        let Usage { input_tokens, output_tokens, .. } = *usage;
        self.of_usage(&Usage { input_tokens, output_tokens, ..Usage::default() })
    }

    /// The estimated cost in US dollars.
    pub(crate) fn estimate(&self, input_tokens: usize, output_tokens: Option<u32>) -> f64 {
        self.of_usage(&Usage {
            input_tokens: input_tokens as u64,
            output_tokens: u64::from(output_tokens.unwrap_or(DEFAULT_OUTPUT_TOKENS)),
            ..Usage::default()
        })
    }

    /// The most that an input token may cost, in US dollars.
    pub(crate) fn dearest_input_token(&self) -> f64 {
        let prices = [self.cached_input, self.cache_write, self.cache_write_1h];
        prices.into_iter().fold(self.input, f64::max) / 1e6
    }

    /// The cost of an output token in US dollars.
    pub(crate) fn output_token(&self) -> f64 {
        self.output / 1e6
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::manifest;

    fn upstream(json: &str) -> Upstream {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_kind_of_token_has_its_price() {
        let large = upstream(r#"{"inputPrice": 2, "outputPrice": 8, "cachedInputPrice": 0.5}"#);
        let prices = Prices::of(&large, None, Dialect::Chat).unwrap();
        let usage = Usage {
            input_tokens: 1000,
            cached_tokens: 400,
            output_tokens: 100,
            ..Usage::default()
        };
        let expected = (600.0 * 2.0 + 400.0 * 0.5 + 100.0 * 8.0) / 1e6;
        assert!((prices.of_usage(&usage) - expected).abs() < 1e-15);
        assert!((prices.estimate(1000, Some(100)) - 2800.0 / 1e6).abs() < 1e-15);
        let stated = Usage { stated_cost: Some(5_000_000), ..usage };
        assert!((prices.of_usage(&stated) - 0.005).abs() < 1e-15);
        let claude = upstream(r#"{"api": "anthropic", "inputPrice": 4, "outputPrice": 20}"#);
        let prices = Prices::of(&claude, None, Dialect::Messages).unwrap();
        let usage = Usage {
            input_tokens: 1000,
            written_tokens: 500,
            written_1h_tokens: 100,
            ..Usage::default()
        };
        let expected = (400.0 * 4.0 + 500.0 * 5.0 + 100.0 * 8.0) / 1e6;
        assert!((prices.of_usage(&usage) - expected).abs() < 1e-15);
        assert!((prices.dearest_input_token() - 8e-6).abs() < 1e-15);
    }

    #[test]
    fn configured_prices_come_first_and_embeddings_need_no_output_price() {
        let small = upstream(r#"{"inputPrice": 2}"#);
        let mut candidate = manifest().candidates[0].clone();
        assert_eq!(Prices::of(&small, Some(&candidate), Dialect::Chat), None);
        assert!(Prices::of(&small, None, Dialect::Embeddings).is_some());
        (candidate.input_price, candidate.output_price) = (Some(9.0), Some(4.0));
        let prices = Prices::of(&small, Some(&candidate), Dialect::Chat).unwrap();
        assert!((prices.estimate(1000, Some(1000)) - 0.006).abs() < 1e-15);
    }
}
