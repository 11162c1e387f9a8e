//! Linear discriminant analysis: finds directions that separate groups of rows.
//!
//! ```text
//! mu_g  = weighted mean of the rows of group g                                    [W]
//! S     = (1 - sphere) * covariance about the groups' means + sphere * its mean variance * I
//! logit = mu_g' S^-1 x - mu_g' S^-1 mu_g / 2       of group g, all equally likely
//! axes  = S^-1/2 times the first eigenvectors of  sum over pairs of groups  p_g p_h d d' / |d|^2,
//!         where d = S^-1/2 (mu_g - mu_h) and p_g is the share of group g
//! ```
//! Fisher's criterion omits the division by |d|^2; then the pairs that lie farthest apart, which
//! any axis would separate, dominate (Loog, Duin and Haeb-Umbach, IEEE TPAMI 23(7), 2001, who
//! weight by a function of |d| to the same end).

use nalgebra::linalg::Cholesky;
use nalgebra::{DMatrix, DVector, Dyn};

use crate::error::TrainerError;

/// Groups of rows, their means, and the spread within them.
#[derive(Debug)]
pub struct Discriminant {
    /// Mean of each group, `[W, G]`.
    centres: DMatrix<f64>,
    /// Weight of each group, `[G]`.
    totals: Vec<f64>,
    /// Cholesky factor of S, `[W, W]`.
    factor: Cholesky<f64, Dyn>,
}

impl Discriminant {
    /// Fits `rows` `[N, W]`, each with a weight above 0 and a group below `groups`; no group is
    /// empty. `sphere` is in [0, 1].
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`] where S has no inverse.
    pub fn new(
        rows: &[Vec<f64>],
        weights: &[f64],
        group_of: &[usize],
        groups: usize,
        sphere: f64,
    ) -> Result<Self, TrainerError> {
        let width = rows.first().map_or(0, Vec::len);
        let mut centres = DMatrix::zeros(width, groups);
        let mut totals = vec![0.0; groups];
        for ((row, &group), weight) in rows.iter().zip(group_of).zip(weights) {
            totals[group] += weight;
            centres.column_mut(group).axpy(*weight, &DVector::from_column_slice(row), 1.0);
        }
        for (group, total) in totals.iter().enumerate() {
            centres.column_mut(group).unscale_mut(*total);
        }
        let total: f64 = totals.iter().sum();
        // Rows relative to their group's centre, with weights that sum to 1.
        let mut about = DMatrix::zeros(width, rows.len());
        for (at, row) in rows.iter().enumerate() {
            let own = DVector::from_column_slice(row) - centres.column(group_of[at]);
            about.set_column(at, &(own * (weights[at] / total).sqrt()));
        }
        let covariance = &about * about.transpose();
        #[allow(clippy::cast_precision_loss)]
        let variance = (covariance.trace() / width.max(1) as f64).max(1e-9);
        let mixed = covariance * (1.0 - sphere)
            + DMatrix::identity(width, width) * (sphere * variance + 1e-6 * variance);
        let factor = mixed.cholesky().ok_or_else(|| TrainerError::NotFinite {
            what: "the covariance within groups",
            detail: "it has no inverse: raise head.sphere".into(),
        })?;
        Ok(Self { centres, totals, factor })
    }

    /// Mean of each group, `[W, G]`.
    #[must_use]
    pub fn centres(&self) -> &DMatrix<f64> {
        &self.centres
    }

    /// Matrix that rows are multiplied with for the groups' logits, `[W, G]`, and the constants to
    /// add, `[G]`.
    #[must_use]
    pub fn logits(&self) -> (DMatrix<f64>, Vec<f64>) {
        let membership = self.factor.solve(&self.centres);
        let groups = 0..self.centres.ncols();
        let offsets =
            groups.map(|g| -0.5 * self.centres.column(g).dot(&membership.column(g))).collect();
        (membership, offsets)
    }

    /// The two directions that separate the groups best, `[2, W]`; along each, the spread within
    /// groups is 1.
    #[must_use]
    pub fn axes(&self) -> DMatrix<f64> {
        let (width, groups) = self.centres.shape();
        let lower = self.factor.l();
        let total: f64 = self.totals.iter().sum();
        let white = |matrix: &DMatrix<f64>| lower.solve_lower_triangular(matrix);
        // A Cholesky factor has no zero on its diagonal.
        let centres = white(&self.centres).unwrap_or_else(|| self.centres.clone());
        let mut between = DMatrix::<f64>::zeros(width, width);
        for (first, second) in (0..groups).flat_map(|a| (0..a).map(move |b| (a, b))) {
            let difference = centres.column(first) - centres.column(second);
            let square = difference.norm_squared();
            if square > 0.0 {
                let share = self.totals[first] * self.totals[second] / (total * total);
                between.ger(share / square, &difference, &difference, 1.0);
            }
        }
        let found = between.symmetric_eigen();
        let mut order: Vec<usize> = (0..width).collect();
        order.sort_by(|&a, &b| found.eigenvalues[b].total_cmp(&found.eigenvalues[a]));
        let mut axes = DMatrix::zeros(2, width);
        for (axis, &place) in order.iter().take(2).enumerate() {
            let white = found.eigenvectors.column(place).into_owned();
            let mut direction = lower.tr_solve_lower_triangular(&white).unwrap_or(white);
            // The sign of an eigenvector is arbitrary: it is fixed so that the largest coordinate
            // is positive.
            if direction[direction.iamax()] < 0.0 {
                direction.neg_mut();
            }
            axes.set_row(axis, &direction.transpose());
        }
        axes
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::random::RandomStream;

    /// Four groups in a square of the first and the third coordinate; the second is noise, ten
    /// times as wide.
    fn rows() -> (Vec<Vec<f64>>, Vec<usize>) {
        let mut draw = RandomStream::new(3, 0);
        let row = |at: usize| {
            let noise: Vec<f64> = draw.normal(4, 1.0).into_iter().map(f64::from).collect();
            let corner = |bit: usize| if at >> bit & 1 == 1 { 6.0 } else { 0.0 };
            vec![corner(0) + noise[0], 10.0 * noise[1], corner(1) + noise[2], noise[3]]
        };
        ((0..400).map(row).collect(), (0..400).map(|at| at % 4).collect())
    }

    #[test]
    fn the_axes_see_what_tells_groups_apart_and_not_what_varies_most() {
        let (rows, group_of) = rows();
        let found = Discriminant::new(&rows, &[1.0; 400], &group_of, 4, 0.0).unwrap();
        let axes = found.axes();
        for axis in axes.row_iter() {
            let signal = axis[0].hypot(axis[2]);
            assert!(axis[1].abs() < 0.02 * signal, "{axis}");
            assert!(axis[3].abs() < 0.1 * signal, "{axis}");
            let spread: Vec<f64> = rows
                .iter()
                .zip(&group_of)
                .map(|(row, &g)| {
                    let own = DVector::from_column_slice(row) - found.centres().column(g);
                    (axis * own)[0].powi(2)
                })
                .collect();
            let variance = spread.iter().sum::<f64>() / 400.0;
            assert!((variance - 1.0).abs() < 1e-3, "{variance}");
        }
    }

    #[test]
    fn a_row_has_the_largest_logit_of_its_own_group() {
        let (rows, group_of) = rows();
        let found = Discriminant::new(&rows, &[0.5; 400], &group_of, 4, 0.1).unwrap();
        let (membership, offsets) = found.logits();
        let right = rows.iter().zip(&group_of).filter(|(row, group)| {
            let logits = membership.tr_mul(&DVector::from_column_slice(row))
                + DVector::from_column_slice(&offsets);
            logits.imax() == **group
        });
        assert!(right.count() > 390);
    }

    #[test]
    fn one_far_group_does_not_decide_alone() {
        // Three groups near each other along the first coordinate, a fourth far off along the
        // second: the plane has both.
        let place = |at: usize| match at % 4 {
            3 => [0.0, 500.0],
            group => [group as f64 * 5.0, 0.0],
        };
        let mut draw = RandomStream::new(5, 0);
        let row = |at: usize| {
            let noise: Vec<f64> = draw.normal(3, 1.0).into_iter().map(f64::from).collect();
            vec![place(at)[0] + noise[0], place(at)[1] + noise[1], noise[2]]
        };
        let rows: Vec<Vec<f64>> = (0..400).map(row).collect();
        let group_of: Vec<usize> = (0..400).map(|at| at % 4).collect();
        let found = Discriminant::new(&rows, &[1.0; 400], &group_of, 4, 0.0).unwrap();
        let places = found.axes() * found.centres();
        for (a, b) in [(0, 1), (1, 2), (0, 3)] {
            assert!((places.column(a) - places.column(b)).norm() > 3.0, "{a} {b} {places}");
        }
    }
}
