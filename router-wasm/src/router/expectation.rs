//! Turns expected scores, which a graph predicts for each candidate, into qualities and a win rate.
//!
//! ```text
//! quality(M, q)            = the expected score, clamped to [0, 1]
//! P(strong beats weak | q) = (1 + quality(strong, q) - quality(weak, q)) / 2
//! ```

/// Quality of each candidate, and the win rate of the pair of strong and weak candidate.
pub(super) fn assess(scores: &[f32], pair: Option<(usize, usize)>) -> (Vec<f64>, Option<f64>) {
    let qualities: Vec<f64> = scores.iter().map(|&s| f64::from(s).clamp(0.0, 1.0)).collect();
    let win_rate =
        pair.map(|(strong, weak)| f64::midpoint(1.0, qualities[strong] - qualities[weak]));
    (qualities, win_rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_are_qualities_and_their_difference_is_the_win_rate() {
        let (qualities, win_rate) = assess(&[0.75, 0.25, 1.5, -0.5], Some((0, 1)));
        assert_eq!((qualities, win_rate), (vec![0.75, 0.25, 1.0, 0.0], Some(0.75)));
        assert_eq!(assess(&[0.5, 0.5], None).1, None);
    }
}
