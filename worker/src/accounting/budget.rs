//! Raises the threshold as a key's budget runs out.

/// By which share in [0, 1] of its distance to 1 a threshold rises once the share `used` of a budget
/// is spent: 0 up to `soft_from`, then linearly to 1 at `used` = 1.
pub(crate) fn threshold_rise(used: f64, soft_from: f64) -> f64 {
    match used >= 1.0 {
        true => 1.0,
        false => ((used - soft_from) / (1.0 - soft_from).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_rises_near_a_budgets_end() {
        assert_eq!(threshold_rise(0.5, 0.8), 0.0);
        assert!((threshold_rise(0.9, 0.8) - 0.5).abs() < 1e-12);
        assert_eq!(threshold_rise(1.5, 0.8), 1.0);
        assert_eq!(threshold_rise(0.99, 1.0), 0.0);
        assert_eq!(threshold_rise(1.0, 1.0), 1.0);
    }
}
