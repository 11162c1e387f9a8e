//! Kernel part of a ridge head: similarity to remembered queries.
//!
//! ```text
//! s(q, r) = exp((cos(e(q), e(r)) - 1) / t)            embeddings about their centre; t: temperature
//! k_i(q)  = s(q, q_i)                                 for each remembered query i
//! n(q)    = L^-1 k(q), L L' = (s(q_i, q_j))_ij        coordinates
//! ```
//! This is Nystroem's method with Cholesky's factor (Williams and Seeger, NIPS 2000). `n(q) n(q')`
//! approximates `s(q, q')`, and equals it where q or q' is remembered, so a fit linear in n is a
//! fit under that kernel. Its term of a score, `v n(q) = (L'^-1 v) k(q)`, has one coefficient for
//! each remembered query. Where every labelled query is remembered, no factor is needed: see
//! `fit_dual` in `linear/ridge_regression.rs`.

use nalgebra::{DMatrix, DVector};

use crate::error::TrainerError;
use crate::export::graph::Graph;
use crate::export::router_graph::{direction, linear};
use crate::linear::direction::unit;
use crate::precision::Precision;

/// Remembered queries, as unit vectors about a centre.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// Unit vectors row by row, without the length coordinate.
    unit: DMatrix<f64>,
    centre: Vec<f64>,
    temperature: f64,
}

/// Added to the diagonal, where a similarity is 1, so that the similarities of equal queries stay
/// invertible.
const JITTER: f64 = 1e-6;

impl Remembered {
    /// Remembers embeddings (without their length).
    #[must_use]
    pub fn new(embeddings: &[&[f64]], centre: &[f64], temperature: f64) -> Self {
        let units: Vec<Vec<f64>> = embeddings.iter().map(|e| unit(e, centre)).collect();
        let unit = DMatrix::from_fn(units.len(), centre.len(), |row, at| units[row][at]);
        Self { unit, centre: centre.to_vec(), temperature }
    }

    /// Number of remembered queries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.unit.nrows()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.unit.nrows() == 0
    }

    /// Similarities of the remembered queries to each other.
    #[must_use]
    pub fn likeness(&self) -> DMatrix<f64> {
        let mut likeness = &self.unit * self.unit.transpose();
        likeness.apply(|cosine| *cosine = ((*cosine - 1.0) / self.temperature).exp());
        likeness.fill_diagonal(1.0 + JITTER);
        likeness
    }

    /// Similarity of an embedding, without its length, to each remembered query.
    fn likeness_to(&self, embedding: &[f64]) -> DVector<f64> {
        let cosines = &self.unit * DVector::from_vec(unit(embedding, &self.centre));
        cosines.map(|cosine| ((cosine - 1.0) / self.temperature).exp())
    }

    /// The part of a head that remembers these queries.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn head(&self, shares: &[f64]) -> KernelHead {
        let float = |v: &f64| *v as f32;
        KernelHead {
            // Column-major of the transposed is row-major.
            unit: self.unit.transpose().iter().map(float).collect(),
            centre: self.centre.iter().map(float).collect(),
            temperature: self.temperature as f32,
            shares: shares.iter().map(float).collect(),
        }
    }
}

/// Nystroem's coordinates of similarity to remembered queries.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinates<'a> {
    remembered: &'a Remembered,
    /// L, the Cholesky factor of the similarities of the remembered queries to each other.
    factor: DMatrix<f64>,
}

impl<'a> Coordinates<'a> {
    /// Factors the similarities, in time cubic in the number of remembered queries.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`] where an embedding is not.
    pub fn of(remembered: &'a Remembered) -> Result<Self, TrainerError> {
        let factor = remembered.likeness().cholesky().ok_or_else(|| TrainerError::NotFinite {
            what: "the similarity of remembered queries",
            detail: "it has no Cholesky factor: lower head.kernel.temperature".into(),
        })?;
        Ok(Self { remembered, factor: factor.unpack() })
    }

    /// n(q) of an embedding without its length.
    #[must_use]
    pub fn at(&self, embedding: &[f64]) -> Vec<f64> {
        let mut found = self.remembered.likeness_to(embedding);
        // The diagonal of the factor is positive.
        let solved = self.factor.solve_lower_triangular_mut(&mut found);
        debug_assert!(solved);
        found.data.into()
    }

    /// Coefficient of each remembered query's similarity, from the weights of the coordinates.
    #[must_use]
    pub fn shares(&self, coordinates: &[f64]) -> Vec<f64> {
        let mut shares = DVector::from_column_slice(coordinates);
        let solved = self.factor.tr_solve_lower_triangular_mut(&mut shares);
        debug_assert!(solved);
        shares.data.into()
    }
}

/// Remembered queries with the coefficient of each.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelHead {
    /// Unit vectors, row by row, without the length.
    pub unit: Vec<f32>,
    /// Subtracted from an embedding before its direction is taken.
    pub centre: Vec<f32>,
    /// Temperature t of the similarity.
    pub temperature: f32,
    /// Coefficient of each remembered query.
    pub shares: Vec<f32>,
}

impl KernelHead {
    /// Adds nodes from an embedding `[1, D + 1]`, the length last, to the sum over remembered
    /// queries `[1, 1]`.
    pub(super) fn nodes(&self, g: &mut Graph, embedding: &str, precision: Precision) -> String {
        let (width, rows) = (self.centre.len(), self.shares.len());
        let unit = direction(g, "kernel", embedding, &self.centre, width + 1);
        // [D + 1, rows], divided by the temperature; zeros for the length.
        let mut weights = vec![0.0; (width + 1) * rows];
        for (row, values) in self.unit.chunks_exact(width).enumerate() {
            for (at, value) in values.iter().enumerate() {
                weights[at * rows + row] = value / self.temperature;
            }
        }
        let least_exponent = vec![-1.0 / self.temperature; rows];
        let weights = (weights.as_slice(), rows);
        let exponent = linear(g, "kernel", &unit, weights, Some(&least_exponent), precision);
        let likeness = g.node("Exp", "kernel.likeness", &[&exponent], &[]);
        linear(g, "kernel.shares", &likeness, (&self.shares, 1), None, Precision::Float)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn likeness(a: &[f64], b: &[f64], centre: &[f64], temperature: f64) -> f64 {
        let cosine: f64 = unit(a, centre).iter().zip(unit(b, centre)).map(|(a, b)| a * b).sum();
        ((cosine - 1.0) / temperature).exp()
    }

    proptest! {
        #[test]
        fn coordinates_give_the_likeness_to_what_is_remembered(
            rows in prop::collection::vec(prop::collection::vec(-1.0_f64..1.0, 4), 1..7),
            query in prop::collection::vec(-1.0_f64..1.0, 4),
            temperature in 0.1_f64..1.0,
            weights in prop::collection::vec(-1.0_f64..1.0, 7),
        ) {
            let centre = [0.1, -0.2, 0.0, 0.3];
            let remembered: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
            let memory = Remembered::new(&remembered, &centre, temperature);
            let memory = Coordinates::of(&memory).unwrap();
            let own = memory.at(&query);
            for row in &rows {
                let product: f64 =
                    memory.at(row).iter().zip(&own).map(|(a, b)| a * b).sum();
                let expected = likeness(row, &query, &centre, temperature);
                prop_assert!((product - expected).abs() < 1e-3, "{product} and {expected}");
            }
            // Weights of coordinates say the same as shares of likeness.
            let weights = &weights[..rows.len()];
            let by_coordinates: f64 = own.iter().zip(weights).map(|(n, v)| n * v).sum();
            let shares = memory.shares(weights);
            let by_likeness: f64 = rows
                .iter()
                .zip(&shares)
                .map(|(row, share)| share * likeness(row, &query, &centre, temperature))
                .sum();
            let size = shares.iter().map(|s| s.abs()).sum::<f64>().max(1.0);
            prop_assert!((by_coordinates - by_likeness).abs() < 1e-9 * size);
        }
    }

    #[test]
    fn equal_queries_are_remembered_and_numbers_that_are_none_are_an_error() {
        let (row, centre) = ([1.0, 2.0], [0.0, 0.0]);
        let memory = Remembered::new(&[&row, &row, &row], &centre, 0.2);
        assert_eq!(memory.len(), 3);
        let coordinates = Coordinates::of(&memory).unwrap();
        assert!(coordinates.shares(&coordinates.at(&row)).iter().all(|v| v.is_finite()));
        let memory = Remembered::new(&[&[f64::NAN, 1.0], &row], &centre, 0.2);
        let error = Coordinates::of(&memory).unwrap_err();
        assert_eq!(error.code(), "not_finite");
    }
}
