//! Places embeddings on a plane: t-SNE (van der Maaten and Hinton, 2008), in the approximation of
//! Barnes and Hut.
//!
//! ```text
//! rows [N, D], each brought to length 1  ->  places [N, 2]
//! ```
//! Rows are scaled to length 1 because routers compare directions: the distance between two rows is
//! then sqrt(2 - 2 cos). Only distances between places mean something; the axes have no unit.
//!
//! The same rows, settings and seed give the same places, however many threads the machine has: the
//! start is drawn from the seed, and the fit runs on one thread, since sums over several threads
//! would be added in an order that differs from call to call.
//!
//! ```
//! use pointsman_trainer::linear::t_sne::{Settings, t_sne};
//!
//! # fn main() -> Result<(), pointsman_trainer::TrainerError> {
//! // Two heaps of directions.
//! let row = |i: u8| [f32::from(i % 2), f32::from(1 - i % 2), 0.01 * f32::from(i)];
//! let rows: Vec<[f32; 3]> = (0..20).map(row).collect();
//! let places = t_sne(&rows, &Settings { epochs: 300, ..Settings::default() })?;
//! let distance = |a: usize, b: usize| {
//!     let [dx, dy] = [0, 1].map(|axis| places[a][axis] - places[b][axis]);
//!     dx.hypot(dy)
//! };
//! assert!(distance(0, 2) < distance(0, 1));
//! # Ok(())
//! # }
//! ```

use bhtsne::tSNE;

use crate::error::TrainerError;
use crate::random::RandomStream;

pub const LEAST_ROWS: usize = 10;
/// Coarseness of Barnes and Hut's approximation; 0 is exact.
const THETA: f32 = 0.5;
/// Standard deviation of the places that the fit starts from.
const START: f32 = 1e-4;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// About how many neighbours a row has, above 1; lowered where there are fewer than three times
    /// as many rows.
    pub perplexity: f32,
    /// Steps of the fit; the first 250 exaggerate attraction.
    pub epochs: usize,
    /// The seed of the places that the fit starts from.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { perplexity: 30.0, epochs: 1000, seed: 1 }
    }
}

/// Returns the place of each row, in the order of the rows.
///
/// # Errors
/// [`TrainerError::BadRows`] for fewer than [`LEAST_ROWS`] rows, rows of several widths or
/// none, a coordinate that is not finite, rows that are all the same, or a perplexity of at most 1.
pub fn t_sne<R: AsRef<[f32]>>(
    rows: &[R],
    settings: &Settings,
) -> Result<Vec<[f32; 2]>, TrainerError> {
    let fault = |detail: String| TrainerError::BadRows { what: "map of embeddings".into(), detail };
    let directions = directions(rows).map_err(fault)?;
    if !(settings.perplexity > 1.0 && settings.perplexity.is_finite()) {
        let found = settings.perplexity;
        return Err(fault(format!("perplexity {found}, expected a number above 1, such as 30")));
    }
    #[allow(clippy::cast_precision_loss)]
    let most = (directions.len() - 1) as f32 / 3.0;
    let start = RandomStream::new(settings.seed, 0).normal(2 * directions.len(), START);
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let alone = alone.map_err(|e| fault(format!("no thread to work on: {e}")))?;
    let places = alone.install(|| {
        tSNE::<f32, Vec<f32>, 2>::new(&directions)
            .perplexity(settings.perplexity.min(most))
            .epochs(settings.epochs)
            .initial_embedding(start)
            .barnes_hut(THETA, |a, b| distance(a, b))
            .embedding()
    });
    if let Some(value) = places.iter().find(|value| !value.is_finite()) {
        let detail = format!("t-SNE ended in {value}: leave out queries that are many times alike");
        return Err(fault(detail));
    }
    Ok(places.as_chunks::<2>().0.to_vec())
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
}

/// Scales the rows to length 1; a row of zeros stays as it is.
fn directions<R: AsRef<[f32]>>(rows: &[R]) -> Result<Vec<Vec<f32>>, String> {
    if rows.len() < LEAST_ROWS {
        let found = rows.len();
        return Err(format!("{found} rows, expected at least {LEAST_ROWS}: give more queries"));
    }
    let width = rows.first().map_or(0, |row| row.as_ref().len());
    let mut found = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let row = row.as_ref();
        if row.len() != width || row.is_empty() {
            let found = row.len();
            return Err(format!(
                "row {at} has {found} coordinates, expected {}: map the embeddings of one encoder",
                width.max(1)
            ));
        }
        if let Some(value) = row.iter().find(|value| !value.is_finite()) {
            return Err(format!("row {at} holds {value}, expected finite numbers"));
        }
        let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        let scale = if length > 0.0 { length.recip() } else { 0.0 };
        found.push(row.iter().map(|value| value * scale).collect::<Vec<f32>>());
    }
    match found.windows(2).any(|pair| pair[0] != pair[1]) {
        true => Ok(found),
        false => Err("all rows point the same way, expected at least two directions".into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const QUICK: Settings = Settings { perplexity: 8.0, epochs: 350, seed: 3 };

    /// Three heaps around the axes.
    fn heaps(count: usize) -> Vec<Vec<f32>> {
        let mut draw = RandomStream::new(4, 0);
        let row = |at: usize| {
            let mut row = draw.normal(6, 0.05);
            row[at % 3] += 2.0;
            row
        };
        (0..count).map(row).collect()
    }

    #[test]
    fn neighbours_stay_neighbours() {
        let places = t_sne(&heaps(60), &QUICK).unwrap();
        for (at, place) in places.iter().enumerate() {
            let other = |to: &usize| distance(&places[*to], place);
            let others = (0..places.len()).filter(|&to| to != at);
            let nearest = others.min_by(|a, b| other(a).total_cmp(&other(b))).unwrap();
            assert_eq!(nearest % 3, at % 3, "row {at}");
        }
    }

    #[test]
    fn a_seed_gives_one_map_however_many_threads_there_are() {
        let rows = heaps(40);
        let once = t_sne(&rows, &QUICK).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
        assert_eq!(pool.install(|| t_sne(&rows, &QUICK)).unwrap(), once);
        assert_ne!(t_sne(&rows, &Settings { seed: 4, ..QUICK }).unwrap(), once);
    }

    #[test]
    fn lengths_do_not_matter_directions_do() {
        let rows = heaps(30);
        let longer: Vec<Vec<f32>> =
            rows.iter().map(|row| row.iter().map(|value| value * 4.0).collect()).collect();
        assert_eq!(t_sne(&rows, &QUICK).unwrap(), t_sne(&longer, &QUICK).unwrap());
    }

    #[test]
    fn the_fewest_rows_and_repeated_ones_have_finite_places() {
        let mut rows = heaps(LEAST_ROWS);
        assert_eq!(t_sne(&rows, &QUICK).unwrap().len(), LEAST_ROWS);
        let first = rows[0].clone();
        rows[1..LEAST_ROWS - 1].iter_mut().for_each(|row| row.clone_from(&first));
        rows.push(vec![0.0; 6]);
        assert!(t_sne(&rows, &QUICK).unwrap().iter().flatten().all(|v| v.is_finite()));
    }

    #[test]
    fn what_no_map_can_be_made_of_is_named() {
        let fault = |rows: &[Vec<f32>], settings: &Settings| {
            let error = t_sne(rows, settings).unwrap_err();
            assert_eq!(error.code(), "bad_rows");
            error.to_string()
        };
        let rows = heaps(20);
        assert!(fault(&rows[..9], &QUICK).contains("9 rows, expected at least 10"));
        assert!(fault(&[], &QUICK).contains("0 rows"));
        let flat = Settings { perplexity: 1.0, ..QUICK };
        assert!(fault(&rows, &flat).contains("perplexity 1"));
        let mut ragged = rows.clone();
        ragged[7].pop();
        assert!(fault(&ragged, &QUICK).contains("row 7 has 5 coordinates, expected 6"));
        let mut broken = rows.clone();
        broken[3][2] = f32::NAN;
        assert!(fault(&broken, &QUICK).contains("row 3 holds NaN"));
        assert!(fault(&vec![vec![1.0, 2.0]; 12], &QUICK).contains("the same way"));
        assert!(fault(&vec![Vec::new(); 12], &QUICK).contains("0 coordinates"));
    }
}
