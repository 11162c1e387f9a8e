//! A table with a row for each piece of a vocabulary and for each bucket of hashed pairs of pieces.
//!
//! ```text
//! r_v = P (w_v / |w_v| - mean)    [D]      w: the transformer's token table, P: its first D directions
//! r_v = 0                                  for the buckets
//! ```
//! A query's embedding is the engine's `NgramBag` of these rows. Kind `difficulty` replaces the rows by
//! weights that it learns for each piece and each bucket (`router/difficulty/table.rs`); for other kinds
//! pairs say nothing.

use super::static_table::StaticTable;
use super::word_factors::WordFactors;

/// The rows of `pieces` [V, H] in `components` directions, and rows of zeros for `buckets`; `uses` says how
/// often each piece occurs.
#[must_use]
pub fn of_words(
    pieces: &[f32],
    width: usize,
    (components, buckets): (usize, usize),
    uses: &[u64],
) -> StaticTable {
    let mut unit = Vec::with_capacity(pieces.len());
    for row in pieces.chunks_exact(width) {
        let length = row.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        unit.extend(row.iter().map(|v| v / length));
    }
    let WordFactors { components, codes: mut values, .. } =
        WordFactors::of(&unit, width, components, uses);
    let rows = pieces.len() / width + buckets;
    values.resize(rows * components, 0.0);
    StaticTable { rows, width: components, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_keep_their_angles_and_buckets_are_zero() {
        let pieces = [3.0, 0.0, 0.0, 5.0, -2.0, 0.0];
        let table = of_words(&pieces, 2, (2, 4), &[1, 1, 1]);
        assert_eq!((table.rows, table.width), (7, 2));
        assert!(table.values[6..].iter().all(|&v| v == 0.0));
        let row = |at: usize| [table.values[2 * at], table.values[2 * at + 1]];
        let distance = |a: [f32; 2], b: [f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
        // Of unit vectors, whatever their lengths were.
        assert!((distance(row(0), row(1)) - 2.0_f32.sqrt()).abs() < 1e-5);
        assert!((distance(row(0), row(2)) - 2.0).abs() < 1e-5);
    }
}
