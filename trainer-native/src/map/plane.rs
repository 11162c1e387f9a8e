//! Finds clusters of directions and the plane that shows them.
//!
//! The plane is that of linear discriminant analysis ([`Discriminant::axes`]). Clusters start as
//! those of k-means. Then two steps alternate: compute the axes that best separate the clusters,
//! and assign each query to the nearest centre on that plane, until hardly a query moves (k-means
//! and discriminant analysis in turn: Ding and Li, ICML 2007). Clusters are therefore regions of
//! the drawn plane.
//!
//! Measured on 4,000 training queries of the default bundle, as the share of the 1,500 points whose
//! nearest neighbour on the plane is of the same cluster: nine clusters of k-means alone reach
//! 0.58, alternating with the plane 0.98. Embeddings with their norm, which grows with the number
//! of tokens, reach 0.97, but with clusters of short and of long queries.

use nalgebra::{DMatrix, DVector, Matrix2, Vector2};

use super::Projection;
use crate::error::TrainerError;
use crate::linear::discriminant::Discriminant;
use crate::linear::groups::numbered;
use crate::linear::k_means;

/// Share, in [0, 1], of the covariance within clusters that is replaced by its mean variance in
/// every direction: a few hundred rows do not determine a covariance of hundreds of coordinates.
const SPHERE: f64 = 0.1;
/// Most alternations of plane and clusters.
const TURNS: usize = 12;
/// Share of queries that change their cluster below which the alternation ends.
const SETTLED: f64 = 0.002;
/// Most steps of k-means on the plane in one alternation.
const STEPS: usize = 50;
/// Share of queries outside the frame at either end of an axis.
const BEYOND: f64 = 0.01;

/// A plane through directions `[W]`.
#[derive(Debug, Clone)]
pub struct Plane {
    /// Point at the middle of the plane, `[W]`.
    origin: DVector<f64>,
    /// Axes, `[2, W]`.
    axes: DMatrix<f64>,
}

impl Plane {
    /// The plane that best separates the groups of `rows` `[N, W]`; `None` where the rows lie on a
    /// line.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`].
    pub fn of(
        rows: &[Vec<f64>],
        group_of: &[usize],
        groups: usize,
    ) -> Result<Option<Self>, TrainerError> {
        let axes = discriminant(rows, group_of, groups)?.axes();
        Ok(framed(rows, &mean(rows), axes))
    }

    /// Finds at most `count` clusters of `rows` `[N, W]` and their plane: returns the cluster of
    /// each row, and the number of clusters, none of them empty. `None` where the rows lie on a
    /// line.
    ///
    /// # Errors
    /// Those of [`k_means::clusters`] and [`Plane::of`].
    pub fn clustered(
        rows: &[Vec<f64>],
        count: usize,
        seed: u64,
    ) -> Result<Option<(Self, Vec<usize>, usize)>, TrainerError> {
        let (mut group_of, mut groups) = numbered(k_means::clusters(rows, count, seed)?);
        for _ in 0..TURNS {
            let found = discriminant(rows, &group_of, groups)?;
            let axes = found.axes();
            let places: Vec<Vector2<f64>> =
                rows.iter().map(|row| place(&axes, &vector(row))).collect();
            let centres = found.centres().column_iter().map(|c| place(&axes, &c.into_owned()));
            let next = nearest(&places, centres.collect());
            let moved = group_of.iter().zip(&next).filter(|(a, b)| a != b).count();
            (group_of, groups) = numbered(next);
            #[allow(clippy::cast_precision_loss)]
            if (moved as f64) < SETTLED * rows.len() as f64 {
                break;
            }
        }
        Ok(Self::of(rows, &group_of, groups)?.map(|plane| (plane, group_of, groups)))
    }

    /// The projection. Its numbers are rounded to six digits, and the points are placed with the
    /// rounded numbers.
    #[must_use]
    pub fn projection(&self) -> Projection {
        let rounded = |values: Vec<f64>| values.into_iter().map(six_digits).collect();
        let axis = |at: usize| rounded(self.axes.row(at).iter().copied().collect());
        Projection {
            mean: rounded(self.origin.iter().copied().collect()),
            axes: [axis(0), axis(1)],
        }
    }
}

fn discriminant(
    rows: &[Vec<f64>],
    group_of: &[usize],
    groups: usize,
) -> Result<Discriminant, TrainerError> {
    Discriminant::new(rows, &vec![1.0; rows.len()], group_of, groups, SPHERE)
}

fn mean(rows: &[Vec<f64>]) -> DVector<f64> {
    let mut sum = DVector::zeros(rows.first().map_or(0, Vec::len));
    rows.iter().for_each(|row| sum += vector(row));
    #[allow(clippy::cast_precision_loss)]
    let count = rows.len().max(1) as f64;
    sum / count
}

fn vector(row: &[f64]) -> DVector<f64> {
    DVector::from_column_slice(row)
}

fn place(axes: &DMatrix<f64>, row: &DVector<f64>) -> Vector2<f64> {
    (axes * row).fixed_rows::<2>(0).into()
}

/// The nearest of the centres, which move to the means of their points; ties go to the first.
fn nearest(places: &[Vector2<f64>], mut centres: Vec<Vector2<f64>>) -> Vec<usize> {
    let mut group_of = vec![usize::MAX; places.len()];
    for _ in 0..STEPS {
        let next: Vec<usize> = places
            .iter()
            .map(|place| {
                let square = |centre: &Vector2<f64>| (place - centre).norm_squared();
                let by_distance =
                    |a: &usize, b: &usize| square(&centres[*a]).total_cmp(&square(&centres[*b]));
                (0..centres.len()).min_by(by_distance).unwrap_or_default()
            })
            .collect();
        if next == group_of {
            break;
        }
        group_of = next;
        let mut sums = vec![(Vector2::zeros(), 0.0); centres.len()];
        for (place, &group) in places.iter().zip(&group_of) {
            sums[group].0 += place;
            sums[group].1 += 1.0;
        }
        for (centre, (sum, count)) in centres.iter_mut().zip(sums) {
            if count > 0.0 {
                *centre = sum / count;
            }
        }
    }
    group_of
}

/// Scales the axes and moves the origin so that most rows lie within -1 and 1. `None` where an axis
/// has no spread.
fn framed(rows: &[Vec<f64>], middle: &DVector<f64>, mut axes: DMatrix<f64>) -> Option<Plane> {
    let places: Vec<Vector2<f64>> = rows.iter().map(|row| place(&axes, &vector(row))).collect();
    let mut centre = Vector2::zeros();
    for axis in 0..2 {
        let mut values: Vec<f64> = places.iter().map(|place| place[axis]).collect();
        values.sort_by(f64::total_cmp);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss
        )]
        let beyond = (values.len() as f64 * BEYOND) as usize;
        let (low, high) = (*values.get(beyond)?, *values.get(values.len() - 1 - beyond)?);
        let half = (high - low) / 2.0;
        if !(half > 1e-9 && half.is_finite()) {
            return None;
        }
        centre[axis] = f64::midpoint(low, high) / half;
        axes.row_mut(axis).unscale_mut(half);
    }
    // The nearest point to the mean that is placed at the centre.
    let offset: Vector2<f64> = centre - place(&axes, middle);
    let products = &axes * axes.transpose();
    let products: Matrix2<f64> = products.fixed_view::<2, 2>(0, 0).into();
    let weights = products.try_inverse()? * offset;
    let origin = middle + axes.transpose() * DVector::from_column_slice(weights.as_slice());
    Some(Plane { origin, axes })
}

fn six_digits(value: f64) -> f64 {
    // A formatted number always parses.
    format!("{value:.5e}").parse().unwrap_or(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::random::RandomStream;

    /// Four heaps on a plane of six dimensions, in an order of turns.
    fn heaps(count: usize) -> Vec<Vec<f64>> {
        let mut draw = RandomStream::new(11, 0);
        let row = |at: usize| {
            let noise = draw.normal(6, 0.4).into_iter().map(f64::from);
            let mut row: Vec<f64> = noise.map(|value| value + 3.0).collect();
            let corner = |bit: usize| if at >> bit & 1 == 1 { 5.0 } else { 0.0 };
            (row[1], row[4]) = (row[1] + corner(0), row[4] + corner(1));
            row
        };
        (0..count).map(row).collect()
    }

    fn places(plane: &Plane, rows: &[Vec<f64>]) -> Vec<[f64; 2]> {
        let projection = plane.projection();
        rows.iter().map(|row| projection.place_direction(row)).collect()
    }

    #[test]
    fn heaps_are_found_and_fill_the_frame() {
        let rows = heaps(400);
        let (plane, group_of, groups) = Plane::clustered(&rows, 4, 1).unwrap().unwrap();
        assert_eq!(groups, 4);
        for at in 4..400 {
            assert_eq!(group_of[at], group_of[at % 4], "row {at}");
        }
        let places = places(&plane, &rows);
        for axis in 0..2 {
            let inside = places.iter().filter(|place| place[axis].abs() <= 1.0 + 1e-4).count();
            assert_eq!(inside, 392, "axis {axis}");
            let largest = places.iter().map(|place| place[axis].abs()).fold(0.0, f64::max);
            assert!((1.0..1.5).contains(&largest), "axis {axis}: {largest}");
        }
    }

    #[test]
    fn a_seed_gives_one_plane() {
        let rows = heaps(80);
        let of = |seed| {
            let (plane, group_of, _) = Plane::clustered(&rows, 4, seed).unwrap().unwrap();
            (plane.projection(), group_of)
        };
        assert_eq!(of(2), of(2));
    }

    #[test]
    fn given_groups_are_shown_as_they_are() {
        let rows = heaps(120);
        // Of two groups that differ in one coordinate alone.
        let group_of: Vec<usize> = (0..120).map(|at| at % 2).collect();
        let plane = Plane::of(&rows, &group_of, 2).unwrap().unwrap();
        let places = places(&plane, &rows);
        let mean = |group: usize| {
            places.iter().skip(group).step_by(2).map(|place| place[0]).sum::<f64>() / 60.0
        };
        assert!((mean(0) - mean(1)).abs() > 1.0, "{} {}", mean(0), mean(1));
    }

    #[test]
    fn rows_on_a_line_have_no_plane() {
        let row = |at: u32| vec![f64::from(at), 0.0, 0.0];
        let rows: Vec<Vec<f64>> = (0..40).map(row).collect();
        let group_of: Vec<usize> = (0..40).map(|at| at / 20).collect();
        assert!(Plane::of(&rows, &group_of, 2).unwrap().is_none());
        assert!(Plane::clustered(&vec![vec![1.0, 2.0]; 40], 3, 1).unwrap().is_none());
    }

    #[test]
    fn numbers_have_six_digits() {
        for (value, expected) in
            [(0.123_456_789, 0.123_457), (-12_345_678.0, -12_345_700.0), (0.0, 0.0)]
        {
            assert_eq!(six_digits(value), expected);
        }
    }
}
