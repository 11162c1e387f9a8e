//! Computes costs and what is logged of a request.

pub(crate) mod attempt;
pub(crate) mod bound;
pub(crate) mod budget;
pub(crate) mod prices;
pub(crate) mod record;
pub(crate) mod verdict;
pub(crate) mod window;
