//! Demands in a table with a row for each piece and bucket: what each row adds to each demand.
//!
//! ```text
//! d_k(q)   = sum_r u_rk x_r(q) + w_k . z(sum_r x_r(q) E_r) + c_k         x, z: `features.rs`
//! table_rk = u_rk + E_r . w_k / deviation                                what the bundle holds
//! ```
//! E is the encoder's own table. u is learnt for each row by itself; w is shared by all, so a piece that
//! stands in no training query has the demand of those whose vectors are near its own.

use crate::encoder::static_table::StaticTable;
use crate::linear::ridge_regression::LinearFit;

/// The table [V, K] of what each row of `own` adds to each of the K demands, whose fits take the embedding's
/// coordinates as they are.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn of(own: &StaticTable, fits: &[LinearFit]) -> StaticTable {
    let mut values = Vec::with_capacity(own.rows * fits.len());
    for (row, vector) in own.values.chunks_exact(own.width).enumerate() {
        values.extend(fits.iter().map(|fit| {
            let shared = fit.dense.iter().zip(vector).map(|(w, &v)| w * f64::from(v));
            (fit.tokens[row] + shared.sum::<f64>()) as f32
        }));
    }
    StaticTable { rows: own.rows, width: fits.len(), values }
}
