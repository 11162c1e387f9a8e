//! Damages a text of lines: one line by itself, or the lines' order and number.

use rand::{RngExt, seq::IndexedRandom};

use super::{LONGEST, Rng, bytes, json};

/// Damages `input` in a line as JSON, in its lines, or in bytes.
pub fn mutate(rng: &mut Rng, input: &[u8], other: &[u8], words: &[&str]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> =
        input.split_inclusive(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
    let at = rng.random_range(0..=lines.len().saturating_sub(1));
    match rng.random_range(0..9) {
        0..=3 if !lines.is_empty() => {
            lines[at] = json::mutate(rng, &lines[at], other, words);
        }
        4 if !lines.is_empty() => {
            lines.remove(at);
        }
        5 if !lines.is_empty() => {
            let most = if rng.random_ratio(1, 10) { 300 } else { 3 };
            let times = rng.random_range(1..=most).min(LONGEST / (lines[at].len() + 1) + 1);
            let copies = vec![lines[at].clone(); times];
            lines.splice(at..at, copies);
        }
        6 if lines.len() > 1 => {
            let second = rng.random_range(0..lines.len());
            lines.swap(at, second);
        }
        7 => {
            let from: Vec<&[u8]> = other.split_inclusive(|&b| b == b'\n').collect();
            let line = from.choose(rng).map(|line| line.to_vec()).unwrap_or_default();
            lines.insert(at, line);
        }
        _ => return bytes::mutate(rng, input, other, words),
    }
    lines.concat()
}
