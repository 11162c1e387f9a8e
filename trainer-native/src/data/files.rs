//! Lists the files of a path that belong to a format, and reads them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{DataError, Format};

/// The files to read: the path itself, or the matching files of the folder in name order, of some formats those
/// in its folders too.
pub(super) fn list(path: &Path, format: Format) -> Result<Vec<PathBuf>, DataError> {
    if !is_folder(path)? {
        return Ok(vec![path.to_owned()]);
    }
    let all = match format.nests() {
        true => list_below(path)?,
        false => file_names(path)?.into_iter().map(|name| path.join(name)).collect(),
    };
    let belongs = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        format.takes(&name) && !is_companion(&name)
    };
    let files: Vec<PathBuf> = all.into_iter().filter(belongs).collect();
    if files.is_empty() {
        return Err(DataError::no_files(path, format.files_expected()));
    }
    Ok(files)
}

/// The files in a folder and in the folders in it, in name order; links to folders are not followed.
pub(super) fn list_below(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut files = Vec::new();
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|source| io_error(folder, source))? {
        let entry = entry.map_err(|source| io_error(folder, source))?;
        let kind = entry.file_type().map_err(|source| io_error(&entry.path(), source))?;
        entries.push((entry.path(), kind.is_dir()));
    }
    entries.sort_unstable();
    for (entry, is_folder) in entries {
        match is_folder {
            true => files.extend(list_below(&entry)?),
            false => files.push(entry),
        }
    }
    Ok(files)
}

/// RouteLLM keeps the list of contaminated prompts beside the data of each benchmark.
fn is_companion(file_name: &str) -> bool {
    file_name.ends_with("contaminated_prompts.jsonl")
}

/// The first bytes of a file, at most `most`.
pub(super) fn beginning(path: &Path, most: u64) -> Result<Vec<u8>, DataError> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(|source| io_error(path, source))?;
    file.take(most).read_to_end(&mut head).map_err(|source| io_error(path, source))?;
    Ok(head)
}

/// Reads the whole file; the error names it.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    std::fs::read(path).map_err(|source| io_error(path, source))
}

pub(super) fn io_error(path: &Path, cause: std::io::Error) -> DataError {
    DataError::Io { path: path.to_owned(), cause }
}

/// The bytes after a UTF-8 byte order mark, which some editors write.
pub(super) fn strip_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

/// A file's name without folder and extension: the name of a set in formats that carry none.
pub(super) fn stem_of(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

pub(super) fn is_folder(path: &Path) -> Result<bool, DataError> {
    std::fs::metadata(path).map(|data| data.is_dir()).map_err(|source| io_error(path, source))
}

/// The names of the files in a folder, sorted; folders in it are left out.
pub(super) fn file_names(folder: &Path) -> Result<Vec<String>, DataError> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|source| io_error(folder, source))? {
        let entry = entry.map_err(|source| io_error(folder, source))?;
        if !is_folder(&entry.path())? {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}
