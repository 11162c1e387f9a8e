//! Adds an LLM to a bundle by asking it the probe set, and measures how far so few answers carry.
//!
//! The probe set (`trainer-native/probe/items.jsonl`) is questions with gold answers, written for this
//! project. [`collect`](crate::collect) puts them to an LLM, [`grade`] grades its answers, and [`learn`] fits its
//! ability as [`Ability::fit`](pointsman::Ability::fit) does. Kinds that know an LLM by its place beside others learn
//! from the same table by [`add_candidate`](crate::add_candidate), where an LLM that they know was asked too.
//!
//! [`leave_out`] takes outcomes of many LLMs and treats each in turn as new: from n answers drawn at random it
//! predicts the others.

mod graded;
mod interval;
mod items;
mod learnt;
pub mod leave_out;
mod left_out_table;
mod report;
mod target;

pub use graded::{Graded, GradedModel, grade};
pub use interval::MeanQuality;
pub use items::{ProbeItem, ProbeSet};
pub use learnt::{Learnt, learn, prior_of};
pub use left_out_table::table;
pub use report::Report;
pub use target::{Added, Beginning, Target};
