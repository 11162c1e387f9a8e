//! How many labels of one's own are enough, and which prompts to label next.
//!
//! Both start from a bundle of kind `difficulty`, on top of which a pair of LLMs is fitted to labels
//! ([`PairOnBundle`](crate::router::difficulty::PairOnBundle)).
//!
//! - [`measure()`]: a [`LearningCurve`], quality on held-out questions against the number of labels;
//! - [`next()`]: prompts to label next, by a [`Strategy`].

mod base;
mod curve;
mod design;
mod draws;
mod estimate;
mod measure;
mod next;
mod page;
mod prompts;
mod score;
mod select;
mod summary;
mod uncertainty;

pub use base::Base;
pub use curve::Settings;
pub use estimate::{Range, Spread};
pub use measure::{Numbers, Source, measure};
pub use next::{Next, Turn, Wanted, next};
pub use prompts::Prompts;
pub use score::Scores;
pub use select::{Choice, Strategy, select};
pub use summary::{Facts, Gain, LearningCurve, Point, Series, Spreads};
pub use uncertainty::Measure;
