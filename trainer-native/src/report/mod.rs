//! Pages that are composed from stored results.

pub mod results_page;
