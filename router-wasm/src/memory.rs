//! `memory.bin`: the labelled queries that a memory router compares a query with.
//!
//! Each query is a unit vector in int8 with one scale, so that ten thousand of them in 64
//! dimensions take 0.7 MB. Little-endian throughout:
//!
//! ```text
//! magic     8 bytes   "SWYDMEM1"
//! kind      u32       1 battles, 2 scores
//! rows N    u32
//! width D   u32       coordinates compared: the first D of the graph's embedding
//! extra     u32       battles: how many battles in all; scores: how many candidates, M
//! scales    f32 [N]   vector_i = scale_i * int8 row i, of length 1
//! vectors   i8 [N, D]
//! battles:  weights f32 [N], ends u32 [N] (row i's battles end before ends[i]),
//!           then (Elo group a u8, Elo group b u8, target u8 of 255) for each battle
//! scores:   u8 [N, M]: 0..254 of 254, 255 where the candidate was not measured
//! ```
//!
//! ```
//! use pointsman::{Memory, Records};
//!
//! let records = Records::Scores { candidates: 2, scores: vec![Some(1.0), Some(0.0)] };
//! let memory = Memory::new(2, &[3.0, 4.0], records);
//! let read = Memory::from_bytes(&memory.to_bytes()).unwrap();
//! let near = read.similarities(&[6.0, 8.0]);
//! assert!((near[0] - 1.0).abs() < 0.01);
//! ```

use crate::error::RouterError;

/// The file's name in a bundle.
pub const MEMORY_FILE: &str = "memory.bin";

const MAGIC: &[u8; 8] = b"SWYDMEM1";
const HEADER: usize = 24;
const BATTLES: u32 = 1;
const SCORES: u32 = 2;
/// A score that was not measured.
const UNMEASURED: u8 = 255;
const FULL_SCORE: f32 = 254.0;
const FULL_TARGET: f32 = 255.0;
/// Largest magnitude of a quantised query coordinate: with int8 vectors of up to 2,048 coordinates
/// a dot product stays within 32 bits.
const QUERY_STEPS: f32 = 8191.0;

/// Largest scale or weight in a file: sums and products of more would not be finite.
pub(crate) const LARGEST_NUMBER: f32 = 1e9;

/// A verdict between two groups of models by Elo rating.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Battle {
    /// Elo group of one model, from 0, the strongest.
    pub a: u8,
    /// Elo group of the other.
    pub b: u8,
    /// In [0, 1]: 1 where `a` won, 1/2 for a tie. Kept in 255 steps.
    pub target: f32,
}

/// The labels of the stored queries.
#[derive(Debug, Clone, PartialEq)]
pub enum Records {
    /// Battles, for similarity-weighted ranking.
    Battles {
        /// Weight of each query, >= 0.
        weights: Vec<f32>,
        /// End index of each query's battles; the first query's begin at 0.
        ends: Vec<u32>,
        /// The battles of all queries, one query after the other.
        battles: Vec<Battle>,
    },
    /// Scores of the candidates in [0, 1], for nearest neighbours.
    Scores {
        /// Candidates M, in the manifest's order.
        candidates: usize,
        /// Row by row, [N, M]; `None` where a candidate was not measured. Kept in 254 steps.
        scores: Vec<Option<f32>>,
    },
}

/// Labelled queries in int8.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    width: usize,
    scales: Vec<f32>,
    vectors: Vec<i8>,
    /// The labels of the stored queries.
    pub records: Records,
}

impl Memory {
    /// Makes a memory of embeddings `[N, width]`, row by row; each is scaled to length 1.
    #[must_use]
    pub fn new(width: usize, embeddings: &[f32], records: Records) -> Self {
        let width = width.max(1);
        let mut scales = Vec::with_capacity(embeddings.len() / width);
        let mut vectors = Vec::with_capacity(embeddings.len());
        for row in embeddings.chunks_exact(width) {
            let (scale, vector) = quantised(row);
            scales.push(scale);
            vectors.extend(vector);
        }
        Self { width, scales, vectors, records }
    }

    /// Rows of the stored queries that have this embedding, of which only the first `width` coordinates
    /// count, up to its length and one int8 step a coordinate: a query that is stored has its row, and
    /// shares it with any other that the encoder does not tell apart. An embedding of length 0 has none.
    #[must_use]
    pub fn rows_of(&self, embedding: &[f32]) -> Vec<usize> {
        let (scale, vector) = quantised(embedding.get(..self.width).unwrap_or(embedding));
        if scale <= 0.0 || vector.len() != self.width {
            return Vec::new();
        }
        let near = |row: &[i8]| row.iter().zip(&vector).all(|(a, b)| a.abs_diff(*b) <= 1);
        let rows = self.vectors.chunks_exact(self.width).enumerate();
        rows.filter(|(_, row)| near(row)).map(|(at, _)| at).collect()
    }

    /// Number of stored queries, N.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.scales.len()
    }

    /// Coordinates compared, D.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Cosine similarity of an embedding to each stored query, `[N]`; only its first `width`
    /// coordinates count. An embedding of length 0 has similarity 0 to all.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    pub fn similarities(&self, embedding: &[f32]) -> Vec<f32> {
        let query = embedding.get(..self.width).unwrap_or(embedding);
        let norm = query.iter().map(|v| v * v).sum::<f32>().sqrt();
        let largest = query.iter().fold(0.0_f32, |top, v| top.max(v.abs()));
        if !(norm > 0.0 && norm.is_finite()) {
            return vec![0.0; self.rows()];
        }
        let step = QUERY_STEPS / largest;
        let quantised: Vec<i16> = query.iter().map(|v| (v * step).round() as i16).collect();
        let scale = 1.0 / (step * norm);
        let rows = self.vectors.chunks_exact(self.width).zip(&self.scales);
        rows.map(|(row, own)| dot(row, &quantised) as f32 * own * scale).collect()
    }

    /// Writes the file.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, extra) = match &self.records {
            Records::Battles { battles, .. } => (BATTLES, battles.len()),
            Records::Scores { candidates, .. } => (SCORES, *candidates),
        };
        let mut bytes = MAGIC.to_vec();
        for number in [kind, self.rows() as u32, self.width as u32, extra as u32] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.scales.iter().flat_map(|v| v.to_le_bytes()));
        bytes.extend(self.vectors.iter().map(|v| v.cast_unsigned()));
        match &self.records {
            Records::Battles { weights, ends, battles } => {
                bytes.extend(weights.iter().flat_map(|v| v.to_le_bytes()));
                bytes.extend(ends.iter().flat_map(|v| v.to_le_bytes()));
                bytes.extend(battles.iter().flat_map(|b| [b.a, b.b, steps(b.target, FULL_TARGET)]));
            }
            Records::Scores { scores, .. } => {
                let step = |score: &Option<f32>| score.map_or(UNMEASURED, |s| steps(s, FULL_SCORE));
                bytes.extend(scores.iter().map(step));
            }
        }
        bytes
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`RouterError::BundleBadMemory`] where it is too short, too long or inconsistent.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RouterError> {
        let bad = |detail: String| RouterError::BundleBadMemory { detail };
        let header = bytes.get(..HEADER).filter(|header| header.starts_with(MAGIC));
        let header =
            header.ok_or_else(|| bad("it does not begin with version 1's magic bytes".into()))?;
        let number = |at: usize| {
            let at = MAGIC.len() + 4 * at;
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let (kind, rows, width) = (number(0), number(1) as usize, number(2) as usize);
        let extra = number(3) as usize;
        let record_bytes = match kind {
            BATTLES => Some(rows as u128 * 8 + extra as u128 * 3),
            SCORES => Some(rows as u128 * extra as u128),
            _ => None,
        };
        let record_bytes =
            record_bytes.ok_or_else(|| bad(format!("it has kind {kind}: expected 1 or 2")))?;
        let expected = HEADER as u128 + rows as u128 * (4 + width as u128) + record_bytes;
        if expected != bytes.len() as u128 || rows == 0 || width == 0 {
            return Err(bad(format!(
                "it has {} bytes, its {rows} rows of width {width} need {expected}",
                bytes.len()
            )));
        }
        let mut rest = &bytes[HEADER..];
        let mut take = |count: usize| {
            let (taken, after) = rest.split_at(count);
            rest = after;
            taken
        };
        let scales = floats(take(rows * 4));
        let vectors = take(rows * width).iter().map(|v| v.cast_signed()).collect();
        let records = match kind {
            BATTLES => {
                let weights = floats(take(rows * 4));
                let ends: Vec<u32> = take(rows * 4)
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|b| u32::from_le_bytes(*b))
                    .collect();
                let ascending = ends.windows(2).all(|pair| pair[0] <= pair[1]);
                if !ascending || ends.last().is_some_and(|&end| end as usize != extra) {
                    return Err(bad("its rows' ends do not fit its battles".into()));
                }
                let battle = |b: &[u8; 3]| Battle {
                    a: b[0],
                    b: b[1],
                    target: f32::from(b[2]) / FULL_TARGET,
                };
                let battles = take(extra * 3).as_chunks::<3>().0.iter().map(battle).collect();
                Records::Battles { weights, ends, battles }
            }
            _ => {
                let score = |&v: &u8| (v != UNMEASURED).then(|| f32::from(v) / FULL_SCORE);
                let scores = take(rows * extra).iter().map(score).collect();
                Records::Scores { candidates: extra, scores }
            }
        };
        let numbers = match &records {
            Records::Battles { weights, .. } => weights.as_slice(),
            Records::Scores { .. } => &[],
        };
        let mut all = scales.iter().chain(numbers);
        if let Some(found) = all.find(|v| !(0.0..=LARGEST_NUMBER).contains(*v)) {
            return Err(bad(format!(
                "it has the scale or weight {found}: expected 0 to {LARGEST_NUMBER}"
            )));
        }
        Ok(Self { width, scales, vectors, records })
    }
}

/// An embedding as a unit vector in int8 and its scale; zeros and 0 where it has no direction.
#[allow(clippy::cast_possible_truncation)]
fn quantised(row: &[f32]) -> (f32, Vec<i8>) {
    let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt();
    let largest = row.iter().fold(0.0_f32, |top, v| top.max(v.abs()));
    let usable = norm > 0.0 && norm.is_finite();
    let step = if usable { 127.0 / largest } else { 0.0 };
    let scale = if usable { largest / 127.0 / norm } else { 0.0 };
    (scale, row.iter().map(|v| (v * step).round() as i8).collect())
}

/// Written as a plain loop over equal lengths: it compiles to the integer dot products of SSE,
/// NEON and wasm's simd128.
fn dot(row: &[i8], query: &[i16]) -> i32 {
    row.iter().zip(query).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn steps(value: f32, full: f32) -> u8 {
    (value.clamp(0.0, 1.0) * full).round() as u8
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn battles(rows: usize) -> Records {
        Records::Battles {
            weights: vec![1.0; rows],
            ends: (1..=rows as u32).collect(),
            battles: (0..rows).map(|i| Battle { a: 0, b: 1, target: (i % 2) as f32 }).collect(),
        }
    }

    proptest! {
        #[test]
        fn similarities_are_cosines(
            rows in prop::collection::vec(prop::collection::vec(-4.0_f32..4.0, 9..=9), 1..8),
            query in prop::collection::vec(-4.0_f32..4.0, 10..=10),
        ) {
            let norm = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
            let memory = Memory::new(9, &rows.concat(), battles(rows.len()));
            for (row, found) in rows.iter().zip(memory.similarities(&query)) {
                let product: f32 = row.iter().zip(&query).map(|(a, b)| a * b).sum();
                let lengths = norm(row) * norm(&query[..9]);
                if lengths > 1e-3 {
                    // A coordinate errs by half a step of 1/127 of the row's largest one.
                    prop_assert!((found - product / lengths).abs() < 0.015, "{found}");
                }
            }
        }

        #[test]
        fn a_memory_survives_its_file(rows in 1_usize..9, width in 1_usize..9, seed in 0_u32..99) {
            let values: Vec<f32> =
                (0..rows * width).map(|i| ((i as u32 * 37 + seed) % 19) as f32 - 9.0).collect();
            let scores = (0..rows * 3).map(|i| (i % 4 != 0).then_some((i % 3) as f32 / 2.0));
            for records in [
                battles(rows),
                Records::Scores { candidates: 3, scores: scores.collect() },
            ] {
                let memory = Memory::new(width, &values, records);
                let read = Memory::from_bytes(&memory.to_bytes()).unwrap();
                prop_assert_eq!(read.to_bytes(), memory.to_bytes());
                prop_assert_eq!(read.similarities(&values), memory.similarities(&values));
            }
        }

        #[test]
        fn a_truncated_file_and_a_damaged_header_are_errors(cut in 0_usize..200, flip in 0_usize..24) {
            let mut bytes = Memory::new(4, &[1.0; 24], battles(6)).to_bytes();
            prop_assert!(Memory::from_bytes(&bytes[..cut.min(bytes.len() - 1)]).is_err());
            bytes[flip] ^= 0x41;
            prop_assert!(Memory::from_bytes(&bytes).is_err());
        }
    }

    #[test]
    fn a_stored_query_is_found_by_its_embedding_whatever_the_length() {
        let rows = [3.0, 4.0, 0.0, 1.0, 0.0, 2.0, 6.0, 8.0, 0.0, 0.0, 0.0, 0.0];
        let memory = Memory::new(3, &rows, battles(4));
        assert_eq!(memory.rows_of(&[0.3, 0.4, 0.0, 7.0]), [0, 2]);
        assert_eq!(memory.rows_of(&[1.0, 0.005, 2.0]), [1], "another machine may round otherwise");
        assert!(memory.rows_of(&[1.0, 0.1, 2.0]).is_empty());
        assert!(memory.rows_of(&[0.0, 0.0, 0.0]).is_empty(), "it has no direction");
        assert!(memory.rows_of(&[3.0, 4.0]).is_empty(), "it has another width");
    }

    #[test]
    fn an_empty_direction_is_similar_to_nothing() {
        let memory = Memory::new(2, &[1.0, 0.0, 0.0, 0.0], battles(2));
        assert_eq!(memory.similarities(&[0.0, 0.0]), [0.0, 0.0]);
        let near = memory.similarities(&[1.0, 0.0]);
        assert!(near[0] > 0.99 && near[1] == 0.0);
    }
}
