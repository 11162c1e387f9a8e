//! A file that is there whole or not at all: written beside its place and renamed.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::TrainerError;

#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    part: PathBuf,
    file: File,
}

impl WholeFile {
    pub fn create(path: &Path) -> Result<Self, TrainerError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        let file = File::create(&part).map_err(TrainerError::file(&part))?;
        Ok(Self { path: path.to_owned(), part, file })
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// Puts the file in its place, over an earlier one.
    pub fn finish(self) -> Result<(), TrainerError> {
        let Self { path, part, file } = self;
        let moved = file.sync_all().and_then(|()| std::fs::rename(&part, &path));
        moved.map_err(TrainerError::file(&path))
    }
}
