//! Linear algebra that knows nothing of queries, LLMs or burn.
//!
//! - `item_response`: difficulties of items from the scores of several respondents;
//! - `ridge_regression`: linear functions of sparse and dense features, in closed form;
//! - `discriminant`: directions that separate groups of rows;
//! - `k_means`: clusters of rows;
//! - [`t_sne`]: places of rows on a plane;
//! - `latent`: coordinates of sparse rows;
//! - `moments`: mean and standard deviation;
//! - `principal`: directions in which rows differ most;
//! - `direction`, `groups`: unit vectors, and numbers of groups.

pub(crate) mod direction;
pub(crate) mod discriminant;
pub(crate) mod groups;
pub(crate) mod item_response;
pub(crate) mod k_means;
pub(crate) mod latent;
pub(crate) mod moments;
pub(crate) mod principal;
pub(crate) mod ridge_regression;
pub mod t_sne;
