//! Evaluates routers by the published protocol, beside baselines that need no training.
//!
//! A router of two models gives each query a win rate, and a threshold on it trades quality for
//! calls of the strong model. [`evaluate`] tries the thresholds as RouteLLM's evaluator does and
//! gives the area under that curve (APGR) and the share of strong calls that recovers half or four
//! fifths of the gap between the models (CPT). [`baselines`] gives the same metrics for routers
//! that need no training, and [`table`] prints all of them together with published rows.
//!
//! A whole evaluation is a [`BenchmarkResult`]: [`results::build`] makes it from outcomes ([`rows`])
//! and win rates, with intervals ([`bootstrap`]), money ([`money`], [`cost_quality`]), reliability
//! and categories; [`report`] draws it. Routers that
//! pick one of many models are judged by [`choice`], whose [`ChoiceResult`] is drawn the same way. All
//! of this is pure: values in, values and text out.
//!
//! ```
//! use pointsman_trainer::eval::{RoutedRow, evaluate};
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::EvalError> {
//! // Four queries, of which the router ranks the two that need the strong model highest.
//! let row = |win_rate, weak, strong| RoutedRow { win_rate, weak, strong };
//! let rows = [row(0.9, 0.0, 1.0), row(0.8, 0.0, 1.0), row(0.3, 1.0, 1.0), row(0.1, 1.0, 1.0)];
//! let evaluation = evaluate(&rows)?;
//! assert!(evaluation.apgr > 0.7);
//! # Ok(())
//! # }
//! ```

pub mod baselines;
pub mod bootstrap;
pub mod calibration;
pub mod categories;
pub mod choice;
pub mod cost_quality;
pub mod curve;
mod error;
pub mod money;
pub mod nearest_neighbours;
pub mod operating_points;
pub mod published;
pub mod reliability;
pub mod report;
mod report_error;
pub mod results;
pub mod rows;
pub mod share_steps;
pub mod table;

pub use choice::ChoiceResult;
pub use curve::{Curve, CurvePoint, Evaluation, RoutedRow, evaluate};
pub use error::EvalError;
pub use report_error::ReportError;
pub use results::BenchmarkResult;
pub use table::MetricRow;
