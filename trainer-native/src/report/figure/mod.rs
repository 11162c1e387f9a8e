//! Draws the figures of RouterDC's article (arXiv 2409.19886) from the results of runs.
//!
//! | figure | of the article | drawn from |
//! | --- | --- | --- |
//! | [`steps`] | 2: learning with and without the sample-sample loss | run folders (`history.jsonl`) |
//! | [`map`] | 3: training embeddings, coloured by task | bundles and queries |
//! | [`cost`] | 4: accuracy against cost on RouterBench | stored results |
//! | [`sensitivity`] | accuracy against lambda, K+, H | run folders (`recipe.toml`, `result.json`) |
//!
//! Each takes values, which [`runs`] reads, and gives a [`Sheet`]; nothing is recomputed that an
//! evaluation stored. A [`Sheet`] is an SVG file, and [`png()`](crate::report::svg::png::png)
//! renders a picture of it.

pub mod cost;
pub mod map;
pub mod runs;
pub mod sensitivity;
pub mod steps;

pub use crate::report::svg::sheet::{Panel, Sheet};

/// Width of a figure's only panel, in pixels.
const WIDTH: f64 = 760.0;

/// The range of some values with a margin at both ends; never empty, so that nothing is divided by
/// zero.
fn range(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let room = 0.05 * (high - low);
    match room > 0.0 {
        true => (low - room, high + room),
        false => (low - 0.5, high + 0.5),
    }
}
