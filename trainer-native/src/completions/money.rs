//! Amounts of money as whole picodollars, so that sums over threads are exact.
//!
//! A price of p USD per million tokens is p million picodollars a token, and 64 bits hold 18 million USD.

use super::models_file::ModelEntry;

const PICO: f64 = 1e12;

/// A number of picodollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Money(pub u64);

impl Money {
    pub const ZERO: Self = Self(0);

    /// Rounds to the next picodollar; negative amounts and NaN are 0.
    pub fn of_usd(usd: f64) -> Self {
        Self((usd * PICO).round() as u64)
    }

    pub fn usd(self) -> f64 {
        self.0 as f64 / PICO
    }

    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// What tokens cost at an entry's prices; `None` where it states none.
pub fn cost(model: &ModelEntry, input_tokens: u64, output_tokens: u64) -> Option<Money> {
    let (input, output) = model.prices()?;
    let part =
        |price: f64, tokens: u64| u128::from((price * 1e6).round() as u64) * u128::from(tokens);
    let total = part(input, input_tokens).saturating_add(part(output, output_tokens));
    Some(Money(u64::try_from(total).unwrap_or(u64::MAX)))
}

/// What tokens cost at an entry's prices, in US dollars; `None` where it states none.
#[must_use]
pub fn cost_usd(model: &ModelEntry, input_tokens: u64, output_tokens: u64) -> Option<f64> {
    cost(model, input_tokens, output_tokens).map(Money::usd)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::completions::models_file::ModelsFile;

    #[test]
    fn costs_are_exact_in_decimal_prices() {
        let text = "[[models]]\nid = \"m\"\napi = \"openai\"\nendpoint = \"http://a\"\nmax_tokens = 1\n\
                    input_price = 0.15\noutput_price = 0.6";
        let mut model = ModelsFile::parse(text).unwrap().models.remove(0);
        assert_eq!(cost(&model, 12, 80), Some(Money(12 * 150_000 + 80 * 600_000)));
        assert_eq!(cost(&model, 1_000_000, 1_000_000).unwrap().usd(), 0.75);
        assert_eq!(cost(&model, u64::MAX, u64::MAX), Some(Money(u64::MAX)));
        (model.input_price, model.output_price) = (None, None);
        assert_eq!(cost(&model, 12, 80), None);
    }

    #[test]
    fn amounts_that_are_none_are_zero() {
        assert_eq!([-1.0, f64::NAN, 0.0].map(Money::of_usd), [Money::ZERO; 3]);
        assert_eq!(Money::of_usd(0.01), Money(10_000_000_000));
    }
}
