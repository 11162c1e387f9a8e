//! Demands in a table with a row for each token, or for each piece and bucket: what each adds to each demand.
//!
//! ```text
//! d_k(q)   = sum_r u_rk x_r(q) + w_k . z(q) + c_k           x, z: `features.rs`
//! table_rk = u_rk                                            of a transformer, whose z stays in the head
//! table_rk = u_rk + E_r . w_k / deviation                    of a table E of pieces, z of sum_r x_r(q) E_r
//! ```
//! u is learnt for each row by itself; w is shared by all, so a piece that stands in no training query has the demand
//! of those whose vectors are near its own.

use crate::encoder::static_table::StaticTable;
use crate::linear::ridge_regression::LinearFit;

/// The table [V, K'] of each row's weight in those of the demands that have rows.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn of(fits: &[LinearFit]) -> StaticTable {
    let with_rows: Vec<&LinearFit> = fits.iter().filter(|fit| !fit.tokens.is_empty()).collect();
    let rows = with_rows.first().map_or(0, |fit| fit.tokens.len());
    let of_row = |row: usize| with_rows.iter().map(move |fit| fit.tokens[row] as f32);
    StaticTable { rows, width: with_rows.len(), values: (0..rows).flat_map(of_row).collect() }
}

/// The table [V, K] of all demands, each with rows, and of what the vectors of the rows, `own`, add by the fits' coefficients of coordinates as they are.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn with_shared(own: &StaticTable, fits: &[LinearFit]) -> StaticTable {
    let mut values = Vec::with_capacity(own.rows * fits.len());
    for (row, vector) in own.values.chunks_exact(own.width).enumerate() {
        values.extend(fits.iter().map(|fit| {
            let shared = fit.dense.iter().zip(vector).map(|(w, &v)| w * f64::from(v));
            (fit.tokens[row] + shared.sum::<f64>()) as f32
        }));
    }
    StaticTable { rows: own.rows, width: fits.len(), values }
}
