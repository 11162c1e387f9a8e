//! Loads the bundles of a loop: the one that it starts from, and its own.

use std::fs;
use std::path::Path;

use pointsman::{MANIFEST_FILE, Manifest, Router};

use crate::error::TrainerError;
use crate::export::bundle;

/// The manifest of a bundle's folder.
///
/// # Errors
/// [`TrainerError::File`]; those of the engine.
pub fn manifest(folder: &Path) -> Result<Manifest, TrainerError> {
    let path = folder.join(MANIFEST_FILE);
    let text = fs::read(&path).map_err(TrainerError::file(&path))?;
    Ok(Manifest::from_json(&text)?)
}

/// Checks that a base has a pair to compare with.
///
/// # Errors
/// [`TrainerError::NothingToScore`]; those of the engine.
pub fn base_router(folder: &Path) -> Result<Router, TrainerError> {
    let found = router(folder)?;
    match found.info().head.strong.is_some() && found.info().head.weak.is_some() {
        true => Ok(found),
        false => Err(TrainerError::NothingToScore {
            detail: format!(
                "the base {} decides between no strong and weak candidate: set base to bundles/default or \
                 bundles/accurate, and name what your recipe starts from as encoder",
                folder.display()
            ),
        }),
    }
}

/// Loads a bundle.
///
/// # Errors
/// [`TrainerError::File`]; those of the engine.
pub fn router(folder: &Path) -> Result<Router, TrainerError> {
    Ok(Router::from_files(&bundle::read_files(folder)?)?)
}
