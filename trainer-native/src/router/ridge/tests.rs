//! The kernel's fits agree with each other and with kernel ridge regression.

use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

use super::kernel::{Coordinates, Remembered};
use crate::linear::ridge_regression::{Features, fit, fit_dual};

#[test]
fn with_all_rows_remembered_the_fit_is_kernel_ridge_regression() {
    let rows = [[0.3, -0.1, 0.7], [-0.5, 0.2, 0.1], [0.4, 0.9, -0.3], [-0.2, -0.8, 0.6]];
    let (y, temperature, penalty) = ([1.0, -0.5, 0.25, 0.75], 0.4, 0.3);
    let remembered: Vec<&[f64]> = rows.iter().map(|row| row.as_slice()).collect();
    let memory = Remembered::new(&remembered, &[0.0; 3], temperature);
    let coordinates = Coordinates::of(&memory).unwrap();
    let features: Vec<Features> = remembered
        .iter()
        .map(|row| Features { tokens: Vec::new(), dense: coordinates.at(row) })
        .collect();
    let found = fit(&features, &y, &[1.0; 4], 0, penalty).unwrap();
    // The dual: (K + penalty) a = y - b with the shares a summing to nothing.
    let unit = |row: &[f64; 3]| DVector::from_column_slice(row).normalize();
    let mut dual = DMatrix::from_fn(4, 4, |i, j| {
        ((unit(&rows[i]).dot(&unit(&rows[j])) - 1.0) / temperature).exp()
    });
    let likeness = dual.clone();
    dual += DMatrix::identity(4, 4) * penalty;
    let factor = dual.cholesky().unwrap();
    let (of_y, of_one) =
        (factor.solve(&DVector::from_column_slice(&y)), factor.solve(&DVector::repeat(4, 1.0)));
    let b = of_y.sum() / of_one.sum();
    let shares = of_y - of_one * b;
    for (row, features) in features.iter().enumerate() {
        let expected = (likeness.row(row) * &shares)[0] + b;
        assert!((found.at(features) - expected).abs() < 1e-5);
    }
}

proptest! {
    #[test]
    fn the_dual_is_the_fit_on_coordinates_of_all_rows(
        rows in prop::collection::vec(
            (prop::collection::vec(-1.0_f64..1.0, 3..=3), 0_u32..3, -1.0_f64..1.0,
             0.2_f64..2.0), 2..9),
        (weight, penalty, temperature) in (0.2_f64..4.0, 0.2_f64..3.0, 0.2_f64..1.0),
    ) {
        let embeddings: Vec<&[f64]> = rows.iter().map(|row| row.0.as_slice()).collect();
        let memory = Remembered::new(&embeddings, &[0.1; 3], temperature);
        let coordinates = Coordinates::of(&memory).unwrap();
        let (y, v): (Vec<f64>, Vec<f64>) = rows.iter().map(|row| (row.2, row.3)).unzip();
        let plain: Vec<Features> = rows
            .iter()
            .map(|row| Features { tokens: vec![(row.1, 0.7)], dense: row.0[..2].to_vec() })
            .collect();
        let with_coordinates: Vec<Features> = plain
            .iter()
            .zip(&embeddings)
            .map(|(plain, embedding)| {
                let mut row = plain.clone();
                let own = coordinates.at(embedding);
                row.dense.extend(own.iter().map(|value| value * weight.sqrt()));
                row
            })
            .collect();
        let primal = fit(&with_coordinates, &y, &v, 3, penalty).unwrap();
        let likeness = memory.likeness();
        let dual = fit_dual(&plain, (&likeness, weight), &y, &v, 3, penalty).unwrap();
        for (row, features) in with_coordinates.iter().enumerate() {
            let alike = likeness.column(row).dot(&DVector::from_column_slice(&dual.shares));
            let found = dual.linear.at(&plain[row]) + alike;
            // Coordinates have a jitter of 1e-6 on the diagonal, which queries nearly alike magnify.
            prop_assert!((found - primal.at(features)).abs() < 1e-4);
        }
    }
}
