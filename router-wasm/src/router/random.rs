//! The random baseline: a win rate that is uniform on [0, 1] and independent of the difficulty.
//!
//! It is drawn from a hash of seed and text, so that every host gives a query the same win rate.

use sha2::{Digest, Sha256};

/// Draws a number in [0, 1) for a text.
#[allow(clippy::cast_precision_loss)]
pub(super) fn draw(seed: u64, text: &str) -> f64 {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(text).finalize();
    let bits = digest.iter().take(8).fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
    // The upper 53 bits fill a double's mantissa.
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_uniform_and_depend_on_text_and_seed() {
        let draws: Vec<f64> = (0..4000).map(|i| draw(1, &format!("query {i}"))).collect();
        let mean = draws.iter().sum::<f64>() / 4000.0;
        // Standard deviation of the mean: 0.0046.
        assert!((mean - 0.5).abs() < 0.03, "{mean}");
        assert_eq!(draw(1, "query 7"), draws[7]);
        assert_ne!(draw(2, "query 7"), draws[7]);
    }
}
