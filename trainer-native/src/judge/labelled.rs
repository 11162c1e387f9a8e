//! A labelled sample of preferences, to compare a judge with.

use std::collections::HashMap;
use std::path::Path;

use super::scored::Preference;
use crate::data::{ReadOptions, for_each_preference};
use crate::error::TrainerError;
use crate::eval::position_bias::Place;

/// Labels by query and by the two LLMs, the one that stands first among the answers' LLMs first.
#[derive(Debug, Default)]
pub(super) struct Labelled {
    labels: HashMap<(String, usize, usize), Vec<Place>>,
    /// Rows of the file.
    pub rows: usize,
}

impl Labelled {
    /// Reads a file of preferences in any format of the trainer.
    ///
    /// # Errors
    /// Those of the data.
    pub fn read(path: &Path, models: &[String]) -> Result<Self, TrainerError> {
        let mut found = Self::default();
        for_each_preference(path, None, &ReadOptions::default(), &mut |row| {
            found.rows += 1;
            let model = |name: &str| models.iter().position(|model| model == name);
            let Some((a, b)) = model(&row.model_a).zip(model(&row.model_b)) else { return Ok(()) };
            let place = match row.target {
                target if target > 0.5 => Place::First,
                target if target < 0.5 => Place::Second,
                _ => Place::Neither,
            };
            let (first, second, place) =
                if a < b { (a, b, place) } else { (b, a, place.mirrored()) };
            let key = (row.query.trim().to_owned(), first, second);
            found.labels.entry(key).or_default().push(place);
            Ok(())
        })?;
        Ok(found)
    }

    /// The labels of a query's preference.
    pub fn of(&self, query: &str, preference: &Preference) -> &[Place] {
        let key = (query.trim().to_owned(), preference.first, preference.second);
        self.labels.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Number of labels of a query among these LLMs.
    pub fn count(&self, query: &str, models: &[usize]) -> usize {
        let pairs = models.iter().flat_map(|&a| models.iter().map(move |&b| (a, b)));
        let of = |(first, second)| self.of(query, &Preference { first, second, target: 0.5 }).len();
        pairs.map(of).sum()
    }
}
