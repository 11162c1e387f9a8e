//! Draws the training queries of a map.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::dataset::Prepared;
use crate::error::TrainerError;
use crate::eval::pool::rows::without_split;

/// Most queries drawn: enough to cluster, and embedded in seconds.
pub const MOST_QUERIES: usize = 4000;

/// A query of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapQuery {
    pub text: String,
    /// Data set of the query, where clusters are data sets.
    pub dataset: Option<String>,
}

/// Draws from all training queries of a run: outcomes, unlabelled queries, preferences. Data sets
/// are noted where `by_data_set` is set.
///
/// The draw orders queries by a hash of seed and text, so that it does not depend on the order of
/// files, and a query that stands in many battles counts once.
///
/// # Errors
/// [`TrainerError::Data`].
pub fn draw(
    prepared: &Prepared,
    by_data_set: bool,
    seed: u64,
) -> Result<Vec<MapQuery>, TrainerError> {
    let mut drawn = BTreeMap::new();
    let mut consider = |text: &str, dataset: Option<&str>| {
        let hash = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(text).finalize();
        let key: [u8; 32] = hash.into();
        let full = drawn.len() == MOST_QUERIES;
        if full && drawn.last_key_value().is_some_and(|(last, _)| *last <= key) {
            return;
        }
        drawn.entry(key).or_insert_with(|| MapQuery {
            text: text.to_owned(),
            dataset: dataset.map(|name| without_split(name).to_owned()),
        });
        if drawn.len() > MOST_QUERIES {
            drawn.pop_last();
        }
    };
    for row in prepared.train.rows.iter().chain(&prepared.corpus.rows) {
        consider(&row.query, by_data_set.then_some(row.dataset.as_str()));
    }
    prepared.for_each_preference(&mut |row| {
        consider(&row.query, None);
        Ok(())
    })?;
    Ok(drawn.into_values().collect())
}
