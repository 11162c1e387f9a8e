//! Computes a request's cost: an estimate before the answer, then from the upstream's usage.

use pointsman::{DEFAULT_OUTPUT_TOKENS, Manifest};

use crate::config::Upstreams;
use crate::wire::usage::Usage;

/// US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Prices {
    input: f64,
    output: f64,
    cached_input: f64,
}

impl Prices {
    /// A model's prices: the configuration's, else the bundle's; none if the input or the output
    /// price is unknown.
    pub(crate) fn of(model: &str, upstreams: &Upstreams, manifest: &Manifest) -> Option<Self> {
        let upstream = upstreams.get(model);
        let candidate = manifest.candidates.iter().find(|candidate| candidate.id == model);
        let input = upstream
            .and_then(|upstream| upstream.input_price)
            .or_else(|| candidate.and_then(|candidate| candidate.input_price))?;
        let output = upstream
            .and_then(|upstream| upstream.output_price)
            .or_else(|| candidate.and_then(|candidate| candidate.output_price))?;
        let cached_input = upstream.and_then(|upstream| upstream.cached_input_price);
        Some(Self { input, output, cached_input: cached_input.unwrap_or(input) })
    }

    /// The cost of an answer in US dollars.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn of_usage(&self, usage: &Usage) -> f64 {
        let fresh = usage.input_tokens.saturating_sub(usage.cached_tokens);
        (fresh as f64 * self.input
            + usage.cached_tokens as f64 * self.cached_input
            + usage.output_tokens as f64 * self.output)
            / 1e6
    }

    /// The estimated cost in US dollars.
    pub(crate) fn estimate(&self, input_tokens: usize, output_tokens: Option<u32>) -> f64 {
        self.of_usage(&Usage {
            input_tokens: input_tokens as u64,
            cached_tokens: 0,
            output_tokens: u64::from(output_tokens.unwrap_or(DEFAULT_OUTPUT_TOKENS)),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::manifest;

    #[test]
    fn input_output_and_cached_tokens_have_their_own_prices() {
        let json = r#"{"large": {"baseUrl": "https://x", "inputPrice": 2, "outputPrice": 8,
                                 "cachedInputPrice": 0.5},
                       "small": {"baseUrl": "https://x", "inputPrice": 2}}"#;
        let upstreams = Upstreams::from_json(Some(json)).unwrap();
        let prices = Prices::of("large", &upstreams, &manifest()).unwrap();
        let usage = Usage { input_tokens: 1000, cached_tokens: 400, output_tokens: 100 };
        let expected = (600.0 * 2.0 + 400.0 * 0.5 + 100.0 * 8.0) / 1e6;
        assert!((prices.of_usage(&usage) - expected).abs() < 1e-15);
        assert!((prices.estimate(1000, Some(100)) - 2800.0 / 1e6).abs() < 1e-15);
        assert_eq!(Prices::of("small", &upstreams, &manifest()), None);
        assert_eq!(Prices::of("other", &upstreams, &manifest()), None);
    }
}
