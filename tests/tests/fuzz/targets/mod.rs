//! What is fed with damaged inputs: a corpus, a way to damage it, and a check, for each reader.

mod data;
mod data_layouts;
mod engine;
mod trainer;
mod worker;

use crate::mutation::Strategy;

/// A reader under test.
pub struct Target {
    pub name: &'static str,
    /// Sound inputs to begin with.
    pub corpus: fn() -> Vec<Vec<u8>>,
    /// The ways to damage them; one is drawn for each case.
    pub strategies: &'static [Strategy],
    /// Bytes at an input's beginning that choose a variant and stay as they are.
    pub head: usize,
    /// Cases of `cargo test`.
    pub cases: u64,
    /// Bytes that a case may hold for each byte of its input.
    pub bytes_held: usize,
    /// Reads an input: what was said, which begins with `ok` where it was accepted, or the law that was
    /// broken.
    pub check: fn(&[u8]) -> Result<String, String>,
}

/// Cases of a target under `cargo test`.
const CASES: u64 = 100_000;
/// Longest message of an error, in bytes.
const LONGEST_MESSAGE: usize = 20_000;

/// Every target.
pub const TARGETS: &[&Target] = &[
    &engine::MANIFEST,
    &engine::MODEL,
    &engine::TOKENIZER,
    &engine::MEMORY,
    &engine::ARCHIVE,
    &engine::REQUEST,
    &worker::BODY,
    &worker::ANSWER,
    &worker::STREAM,
    &worker::EVENTS,
    &worker::CONFIG,
    &data::DATA,
    &trainer::RECIPE,
    &trainer::CHECKPOINT,
];

/// Checks an error: a code in snake case and a bounded message.
fn refused(code: &str, message: &str) -> Result<String, String> {
    let snake = !code.is_empty()
        && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit());
    if !snake {
        return Err(format!("the code {code:?} is not in snake case"));
    }
    if message.len() > LONGEST_MESSAGE {
        return Err(format!("the message of {code} has {} bytes", message.len()));
    }
    Ok(format!("{code}: {message}"))
}
