//! Damages bytes: flips, numbers at their limits, cuts, repetitions, parts of another input.

use rand::{RngExt, seq::IndexedRandom};

use super::{LONGEST, Rng};

const NUMBERS: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    i64::MAX as u64,
    u64::MAX,
];

/// Damages `input` in one to four places.
pub fn mutate(rng: &mut Rng, input: &[u8], other: &[u8], words: &[&str]) -> Vec<u8> {
    let mut found = input.to_vec();
    for _ in 0..[1, 1, 2, 4][rng.random_range(0..4)] {
        once(rng, &mut found, other, words);
    }
    found
}

/// A random range of up to `longest` of `length` bytes.
pub fn range(rng: &mut Rng, length: usize, longest: usize) -> std::ops::Range<usize> {
    let start = rng.random_range(0..=length);
    let size = rng.random_range(0..=longest.min(length - start));
    start..start + size
}

fn once(rng: &mut Rng, found: &mut Vec<u8>, other: &[u8], words: &[&str]) {
    let length = found.len();
    let at = rng.random_range(0..=length);
    match rng.random_range(0..12) {
        0 | 1 if at < length => found[at] ^= 1 << rng.random_range(0..8),
        2 if at < length => found[at] = rng.random(),
        3 => {
            let size = [1, 2, 4, 8][rng.random_range(0..4)].min(length - at);
            let number = NUMBERS.choose(rng).copied().unwrap_or_default().to_le_bytes();
            found[at..at + size].copy_from_slice(&number[..size]);
        }
        4 => {
            let size = [1, 2, 4, 8][rng.random_range(0..4)];
            if at + size <= length {
                let mut number = [0; 8];
                number[..size].copy_from_slice(&found[at..at + size]);
                let step = rng.random_range(-16_i64..=16).cast_unsigned();
                let moved = u64::from_le_bytes(number).wrapping_add(step).to_le_bytes();
                found[at..at + size].copy_from_slice(&moved[..size]);
            }
        }
        5 => {
            found.drain(range(rng, length, 64));
        }
        6 => {
            let copy = found[range(rng, length, 64)].to_vec();
            found.splice(at..at, copy);
        }
        7 => {
            let part = other[range(rng, other.len(), 256)].to_vec();
            let over = if rng.random() { at..(at + part.len()).min(length) } else { at..at };
            found.splice(over, part);
        }
        8 => found.truncate(at),
        9 => {
            let copy = found[range(rng, length, 32)].to_vec();
            let times = rng.random_range(2..200).min(LONGEST / copy.len().max(1));
            found.splice(at..at, copy.repeat(times));
        }
        10 if !words.is_empty() => {
            let word = words.choose(rng).copied().unwrap_or_default().bytes();
            found.splice(at..at, word);
        }
        _ => {
            let noise: Vec<u8> = (0..rng.random_range(1..8)).map(|_| rng.random()).collect();
            found.splice(at..at, noise);
        }
    }
}
