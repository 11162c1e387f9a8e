//! Maps values to pixels, and places ticks at round numbers.

/// A linear map from values to pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// Maps values from `low` to `high` to pixels from `from` to `to`. An empty range of values is
    /// widened around its value, so that nothing is divided by zero.
    #[must_use]
    pub fn new((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
        Self { low, high, from, to }
    }

    /// The pixel of a value.
    #[must_use]
    pub fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// About `about` round numbers within the range, and the decimals they need.
    #[must_use]
    pub fn ticks(&self, about: usize) -> (Vec<f64>, usize) {
        let raw = (self.high - self.low) / about.max(1) as f64;
        let power = raw.log10().floor();
        let unit = 10_f64.powf(power);
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * unit)
            .find(|step| *step >= raw * (1.0 - 1e-9))
            .unwrap_or(10.0 * unit);
        let slack = 1e-9 * (self.high - self.low);
        let first = ((self.low - slack) / step).ceil() as i64;
        let last = ((self.high + slack) / step).floor() as i64;
        // A step of 2.5 needs one decimal more than its power of ten.
        let halved = (step / unit - 2.5).abs() < 1e-6;
        let decimals = (-power + f64::from(u8::from(halved))).max(0.0) as usize;
        ((first..=last).map(|at| at as f64 * step).collect(), decimals)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_round() {
        let ticks = |low, high| Scale::new((low, high), (0.0, 1.0)).ticks(5);
        let (found, decimals) = ticks(0.0, 1.0);
        let expected = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12) && found.len() == 6);
        assert_eq!(decimals, 1);
        assert_eq!(ticks(0.0, 100.0).0, [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(0.0, 12.0).0, [0.0, 2.5, 5.0, 7.5, 10.0]);
        assert_eq!(ticks(0.0, 12.0).1, 1);
    }

    #[test]
    fn an_empty_range_still_has_a_place() {
        assert_eq!(Scale::new((3.0, 3.0), (0.0, 10.0)).at(3.0), 5.0);
    }

    proptest! {
        #[test]
        fn ticks_lie_in_the_range_and_are_not_many(low in -1e3_f64..1e3, width in 1e-4_f64..1e4, about in 2_usize..9) {
            let (ticks, decimals) = Scale::new((low, low + width), (0.0, 100.0)).ticks(about);
            prop_assert!(ticks.len() <= about + 2);
            let labels: Vec<String> = ticks.iter().map(|tick| format!("{tick:.decimals$}")).collect();
            for pair in labels.windows(2) {
                prop_assert_ne!(&pair[0], &pair[1]);
            }
            for tick in ticks {
                prop_assert!(tick >= low - 1e-6 * width && tick <= low + width * (1.0 + 1e-6));
            }
        }
    }
}
