//! One file for each command: its arguments, and the calls into the library.

pub mod add_candidate;
pub mod bench;
pub mod calibrate;
pub mod collect;
pub mod convert_encoder;
pub mod data;
pub mod eval;
pub mod export_predictions;
pub mod figure;
pub mod init;
pub mod judge;
pub mod learning_curve;
pub mod r#loop;
pub mod probe;
pub mod prune;
pub mod recipe;
pub mod report;
pub mod select;
pub mod shadow_report;
pub mod sweep;
pub mod train;
pub mod verify;

use std::path::Path;

use pointsman::Router;
use pointsman_trainer::TrainerError;
use pointsman_trainer::data::{self as sources, Format, Loaded, ReadOptions};
use pointsman_trainer::export::bundle;

/// Loads the bundle in a folder into the engine.
fn router(folder: &Path) -> Result<Router, TrainerError> {
    Ok(Router::from_files(&bundle::read_files(folder)?)?)
}

/// Reads the outcomes of a file or folder.
fn outcomes(path: &Path, format: Option<&str>, skip_bad: bool) -> Result<Loaded, TrainerError> {
    let format = format.map(Format::from_name).transpose()?;
    Ok(sources::read(path, format, &ReadOptions { skip_bad })?)
}

/// Reads every query of a file or folder, whatever its table.
fn queries(path: &Path, format: Option<&str>, skip_bad: bool) -> Result<Vec<String>, TrainerError> {
    let options = ReadOptions { skip_bad };
    let format = format.map(Format::from_name).transpose()?;
    let mut queries = Vec::new();
    sources::for_each_prompt(path, format, &options, &mut |row| {
        queries.push(row.query);
        Ok(())
    })?;
    Ok(queries)
}

fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<(), TrainerError> {
    std::fs::write(path, text).map_err(TrainerError::file(path))
}
