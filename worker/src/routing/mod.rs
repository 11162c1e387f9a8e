//! Chooses the model that answers, its fallbacks, and whether a cheaper answer is good enough.

pub(crate) mod capability;
pub(crate) mod cascade;
pub(crate) mod decision;
pub(crate) mod drift;
mod features;
pub(crate) mod model_list;
pub(crate) mod models;
pub(crate) mod permissions;
pub(crate) mod plan;
pub(crate) mod traffic;
mod without_text;
