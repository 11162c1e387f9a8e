//! Formats numbers, the same way in Markdown and on the page.

use crate::eval::bootstrap::Interval;

/// Shown where there is no number.
pub const DASH: &str = "–";

/// A share in [0, 1] as per cent without the sign: `32.90`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.2}", share * 100.0)
}

/// A share in [0, 1] as whole per cent where it is whole, as in headings: `50`, `12.5`.
#[must_use]
pub fn short_percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Three decimals: APGR, errors, areas.
#[must_use]
pub fn three(value: f64) -> String {
    format!("{value:.3}")
}

/// A mean score on its display scale: per cent for a scale of 1, else the scaled value.
#[must_use]
pub fn score(score: f64, scale: f64) -> String {
    if scale == 1.0 { format!("{} %", percent(score)) } else { format!("{:.3}", score * scale) }
}

/// Ends of an interval in brackets, each shown by `show`.
#[must_use]
pub fn interval(interval: &Interval, show: fn(f64) -> String) -> String {
    format!("[{}, {}]", show(interval.low), show(interval.high))
}

/// Dollars with four significant digits, never in powers of ten: `0.001234`.
#[must_use]
pub fn usd(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let before_point = value.abs().log10().floor() as i32;
    let decimals = (3 - before_point).clamp(2, 12) as usize;
    format!("{value:.decimals$}")
}

/// A whole number with thousands set apart: `14,037`.
#[must_use]
pub fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_a_person_would_write_them() {
        assert_eq!([count(7), count(1307), count(1_234_567)], ["7", "1,307", "1,234,567"]);
        assert_eq!([usd(0.0012345), usd(12.3), usd(0.0)], ["0.001234", "12.30", "0"]);
        assert_eq!(
            [short_percent(0.5), short_percent(0.125), short_percent(1.0)],
            ["50", "12.5", "100"]
        );
        assert_eq!([score(0.8281, 10.0), score(0.6809, 1.0)], ["8.281", "68.09 %"]);
    }
}
