//! Sources of preferences. They may be millions, so their files are streamed: once to count them, and again by each
//! reader of their rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pointsman::{Source, sha256_hex};

use super::Prepared;
use crate::data::{self, DataError, Format, PreferenceRow, ReadOptions};
use crate::error::TrainerError;
use crate::recipe::{Recipe, Role, SourceRecipe};

/// Most queries of one preference source held back for calibration.
const MOST_CALIBRATION_QUERIES: usize = 2000;

/// A source of preferences, read again whenever its rows are needed.
#[derive(Debug, Clone)]
pub struct PreferenceFile {
    path: PathBuf,
    format: Format,
    options: ReadOptions,
    aliases: BTreeMap<String, String>,
    weight: f32,
    calibration_share: f64,
}

impl Prepared {
    /// Counts a preference source; returns its hash.
    pub(super) fn add_preferences(
        &mut self,
        recipe: &Recipe,
        source: &SourceRecipe,
        folder: &Path,
        format: Format,
        options: &ReadOptions,
    ) -> Result<String, TrainerError> {
        if source.role == Role::Corpus {
            return Err(TrainerError::BadRecipe {
                path: recipe.name.as_str().into(),
                detail: format!("{} holds preferences: give it role \"auxiliary\"", source.name),
            });
        }
        let file = PreferenceFile {
            path: folder.join(&source.path),
            format,
            options: options.clone(),
            aliases: recipe.aliases.clone().into_iter().chain(source.aliases.clone()).collect(),
            weight: source.weight,
            calibration_share: source.calibration_share,
        };
        let (mut rows, mut leaks) = (0_u64, 0_u64);
        let held = &self.held;
        let calibration = &mut self.calibration;
        let before = calibration.len();
        let read = file.for_each(&mut |row| {
            if held.contains(&row.query) {
                leaks += 1;
            } else if file.is_for_calibration(&row.query) {
                if calibration.len() - before < MOST_CALIBRATION_QUERIES {
                    calibration.push(row.query);
                }
            } else {
                rows += 1;
            }
            Ok(())
        })?;
        if read.bad_count > 0 {
            eprintln!("{}: {} bad rows left out", source.name, read.bad_count);
        }
        self.sources.push(Source {
            name: source.name.clone(),
            rows,
            licence: source.licence.clone(),
            sha256: Some(read.sha256.clone()),
            removed_as_leaks: leaks,
        });
        self.preferences.push(file);
        Ok(read.sha256)
    }

    /// Visits every preference to train on: leaks and calibration queries are left out, model names
    /// are the recipe's, weights are those of row and source together.
    ///
    /// # Errors
    /// [`TrainerError::Data`], and what `visit` returns.
    pub fn for_each_preference(
        &self,
        visit: &mut dyn FnMut(PreferenceRow) -> Result<(), TrainerError>,
    ) -> Result<(), TrainerError> {
        for file in &self.preferences {
            let mut stopped = None;
            let read = file.for_each(&mut |mut row| {
                if self.held.contains(&row.query) || file.is_for_calibration(&row.query) {
                    return Ok(());
                }
                row.weight *= file.weight;
                visit(row).map_err(|error| {
                    let detail = error.to_string();
                    stopped = Some(error);
                    DataError::Stopped { detail }
                })
            });
            match (stopped, read) {
                (Some(error), _) => return Err(error),
                (None, Err(error)) => return Err(error.into()),
                (None, Ok(_)) => {}
            }
        }
        Ok(())
    }
}

impl PreferenceFile {
    fn for_each(
        &self,
        visit: &mut dyn FnMut(PreferenceRow) -> Result<(), DataError>,
    ) -> Result<data::PreferenceSource, DataError> {
        let canonical = |name: String| self.aliases.get(&name).cloned().unwrap_or(name);
        data::for_each_preference(&self.path, Some(self.format), &self.options, &mut |mut row| {
            row.model_a = canonical(row.model_a);
            row.model_b = canonical(row.model_b);
            visit(row)
        })
    }

    /// Decided by the query's hash, so that all battles of one query fall on the same side.
    fn is_for_calibration(&self, query: &str) -> bool {
        let hash = sha256_hex(query.as_bytes());
        let draw = u32::from_str_radix(hash.get(..8).unwrap_or_default(), 16).unwrap_or_default();
        f64::from(draw) / (f64::from(u32::MAX) + 1.0) < self.calibration_share
    }
}
