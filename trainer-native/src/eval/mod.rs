//! Evaluates routers by the published protocol, beside baselines that need no training.
//!
//! A router of two models gives each query a win rate, and a threshold on it trades quality for
//! calls of the strong model. [`Curve`](pair::curve::Curve) tries the thresholds as RouteLLM's
//! evaluator does and gives the area under that curve (APGR) and the share of strong calls that
//! recovers a part of the gap between the models (CPT).
//!
//! A whole evaluation of routers of a pair is a [`PairResult`]: [`pair`] makes it from outcomes and
//! win rates, with baselines that need no training, intervals ([`bootstrap`]), money
//! ([`cost_quality`]), reliability and categories. Routers that pick one of a pool of models are
//! evaluated by [`pool`], whose result is a [`PoolResult`]. Both are an [`Evaluated`] with facts and
//! metrics of its own. A [`TransferResult`] holds what pairs of many sources say of one recipe, a
//! [`SanityResult`] what a bundle does with a few requests, [`Savings`] what a router keeps and saves at its
//! thresholds, [`shadow`] the same of a sample of live traffic. [`Stored`] writes them all as JSON and reads
//! them, [`report`](crate::report) draws them. All of this is pure: values in, values out.
//!
//! ```
//! use pointsman_trainer::eval::RoutedRow;
//! use pointsman_trainer::eval::pair::curve::Curve;
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::EvalError> {
//! // Four queries, of which the router ranks the two that need the strong model highest.
//! let row = |win_rate, weak, strong| RoutedRow { win_rate, weak, strong };
//! let rows = [row(0.9, 0.0, 1.0), row(0.8, 0.0, 1.0), row(0.3, 1.0, 1.0), row(0.1, 1.0, 1.0)];
//! assert!(Curve::at_deciles(&rows)?.apgr() > 0.7);
//! # Ok(())
//! # }
//! ```

pub mod agreement;
pub mod bootstrap;
pub mod cost_quality;
mod error;
mod evaluated;
mod origin;
pub mod pair;
pub mod pool;
pub mod position_bias;
pub mod proportion;
pub mod rank_correlation;
pub mod sanity;
pub mod savings;
pub mod shadow;
mod stored;
pub mod transfer;

pub use error::EvalError;
pub use evaluated::{Benchmark, Difference, Entry, Evaluated, Form};
pub use origin::Origin;
pub use pair::PairResult;
pub use pair::curve::RoutedRow;
pub use pool::PoolResult;
pub use sanity::SanityResult;
pub use savings::Savings;
pub use stored::Stored;
pub use transfer::TransferResult;
