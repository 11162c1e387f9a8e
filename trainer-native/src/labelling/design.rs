//! Which label says most about all prompts: transductive experimental design (Yu, Bi and Tresp, ICML 2006).
//!
//! ```text
//! win rate(q) = w . topic(q) + noise,  w ~ N(0, I)          P [N, D] topics of all prompts, M = P' P
//! S        = (I + sum over labelled x of x x' / NOISE)^-1    covariance of w given the labels
//! gain(x)  = x' S M S x / (NOISE + x' S x)                   what a label of x takes from the variance over all prompts
//! S       <- S - S x x' S / (NOISE + x' S x)
//! ```
//! So the first labels are of typical prompts, and a subject that has labels counts less. Kept are P S and P S M, row by
//! row, so that a label costs N D steps.

/// Variance of a label, in units of the prior variance of a win rate: a label is mostly chance.
const NOISE: f64 = 20.0;

/// The state of the choice: rows that may be labelled, and those that are.
pub struct Design {
    width: usize,
    /// P `[N, D]`.
    topics: Vec<f64>,
    /// P S `[N, D]`.
    seen: Vec<f64>,
    /// P S M `[N, D]`.
    reach: Vec<f64>,
    /// x' S x of each row.
    variance: Vec<f64>,
}

impl Design {
    /// The state without labels, of topics of length 1 or 0.
    #[must_use]
    pub fn new<'a>(topics: impl ExactSizeIterator<Item = &'a Vec<f32>>) -> Self {
        let mut width = 0;
        let mut all = Vec::new();
        for topic in topics {
            width = topic.len();
            all.extend(topic.iter().map(|&v| f64::from(v)));
        }
        let mut moments = vec![0.0; width * width];
        for topic in all.chunks_exact(width.max(1)) {
            for (row, &v) in moments.chunks_exact_mut(width).zip(topic) {
                row.iter_mut().zip(topic).for_each(|(sum, w)| *sum += v * w);
            }
        }
        let reached = |topic: &[f64]| -> Vec<f64> {
            moments.chunks_exact(width).map(|row| dot(row, topic)).collect()
        };
        let rows = all.chunks_exact(width.max(1));
        Self {
            width,
            reach: rows.clone().flat_map(reached).collect(),
            variance: rows.map(|topic| dot(topic, topic)).collect(),
            seen: all.clone(),
            topics: all,
        }
    }

    /// What a label of a row would say about all.
    #[must_use]
    pub fn gain(&self, row: usize) -> f64 {
        let at = row * self.width..(row + 1) * self.width;
        let Some(variance) = self.variance.get(row) else { return 0.0 };
        dot(&self.seen[at.clone()], &self.reach[at]) / (NOISE + variance)
    }

    /// Takes note of a label of a row.
    pub fn label(&mut self, row: usize) {
        let Some(variance) = self.variance.get(row) else { return };
        let at = row * self.width..(row + 1) * self.width;
        let (seen, reach) = (self.seen[at.clone()].to_vec(), self.reach[at].to_vec());
        let size = NOISE + variance;
        let rows = self.topics.chunks_exact(self.width).zip(&mut self.variance);
        let state =
            self.seen.chunks_exact_mut(self.width).zip(self.reach.chunks_exact_mut(self.width));
        for ((topic, variance), (own_seen, own_reach)) in rows.zip(state) {
            let covariance = dot(topic, &seen);
            let share = covariance / size;
            *variance = (*variance - share * covariance).max(0.0);
            own_seen.iter_mut().zip(&seen).for_each(|(own, v)| *own -= share * v);
            own_reach.iter_mut().zip(&reach).for_each(|(own, v)| *own -= share * v);
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use nalgebra::{DMatrix, DVector};

    use super::*;

    fn topics() -> Vec<Vec<f32>> {
        let place = |at: usize| {
            let angle = [0.1, 0.2, 0.15, 0.12, 1.5, 0.18, 1.4, 2.9][at % 8] + at as f32 * 0.001;
            vec![angle.cos(), angle.sin(), 0.0]
        };
        (0..24).map(place).collect()
    }

    #[test]
    fn gains_are_those_of_the_formula() {
        let topics = topics();
        let rows: Vec<f64> = topics.iter().flatten().map(|&v| f64::from(v)).collect();
        let p = DMatrix::from_row_slice(24, 3, &rows);
        let m = p.tr_mul(&p);
        let mut design = Design::new(topics.iter());
        let mut precision = DMatrix::identity(3, 3);
        for labelled in [3, 4, 3, 15] {
            let s = precision.clone().try_inverse().unwrap_or_default();
            for row in 0..24 {
                let x = DVector::from_column_slice(&rows[3 * row..3 * row + 3]);
                let sx = &s * &x;
                let expected = (sx.transpose() * &m * &sx)[0] / (NOISE + x.dot(&sx));
                assert!((design.gain(row) - expected).abs() < 1e-9, "{row}");
            }
            let x = DVector::from_column_slice(&rows[3 * labelled..3 * labelled + 3]);
            precision += &x * x.transpose() / NOISE;
            design.label(labelled);
        }
    }

    #[test]
    fn the_typical_comes_first_and_what_has_labels_counts_less() {
        let mut design = Design::new(topics().iter());
        let best = |design: &Design| {
            (0..24).max_by(|&a, &b| design.gain(a).total_cmp(&design.gain(b))).unwrap_or_default()
        };
        let first = best(&design);
        assert!(![4, 6, 7].contains(&(first % 8)), "{first}");
        let before = design.gain(first);
        (0..200).for_each(|_| design.label(first));
        assert!(design.gain(first) < before / 10.0);
        assert!([4, 6].contains(&(best(&design) % 8)), "{}", best(&design));
    }

    #[test]
    fn no_rows_and_rows_without_a_topic_gain_nothing() {
        let mut design = Design::new([].iter());
        design.label(0);
        assert_eq!(design.gain(0), 0.0);
        let mut design = Design::new([vec![0.0; 2], vec![1.0, 0.0]].iter());
        design.label(0);
        assert_eq!(design.gain(0), 0.0);
        assert!(design.gain(1) > 0.0);
    }
}
