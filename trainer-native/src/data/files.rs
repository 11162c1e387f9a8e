//! Formats, how one is recognised, and which files of a folder belong to it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::DataError;

/// A published layout of outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// RouteLLM's MMLU evaluation: `mmlu_<subject>.csv`, a prompt and one True/False column a model.
    RouteLlmMmlu,
    /// RouterDC: a JSON array of objects with `question`, `scores` and, in training files,
    /// `cluster_id`.
    RouterDc,
    /// The project's own: one JSON object a line with `id`, `query`, `dataset`, `scores`.
    OutcomesJsonl,
}

impl Format {
    /// Every format, in the order in which help texts list them.
    pub const ALL: [Format; 3] = [Format::RouteLlmMmlu, Format::RouterDc, Format::OutcomesJsonl];

    /// The name used on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::RouteLlmMmlu => "routellm-mmlu",
            Format::RouterDc => "routerdc",
            Format::OutcomesJsonl => "outcomes-jsonl",
        }
    }

    /// The format of that [`name`](Self::name).
    ///
    /// # Errors
    /// [`DataError::UnknownFormat`], listing the names that exist.
    pub fn from_name(name: &str) -> Result<Format, DataError> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            DataError::UnknownFormat {
                path: PathBuf::from("--format"),
                found: format!("{name:?}"),
                expected: format!("one of {}", Self::ALL.map(Format::name).join(", ")),
            }
        })
    }

    fn takes(self, file_name: &str) -> bool {
        match self {
            Format::RouteLlmMmlu => file_name.starts_with("mmlu_") && file_name.ends_with(".csv"),
            Format::RouterDc => file_name.ends_with(".json"),
            Format::OutcomesJsonl => file_name.ends_with(".jsonl"),
        }
    }

    fn files_expected(self) -> &'static str {
        match self {
            Format::RouteLlmMmlu => "mmlu_<subject>.csv",
            Format::RouterDc => "*.json",
            Format::OutcomesJsonl => "*.jsonl",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Recognises a format: a folder by the names in it, a file by its first characters.
///
/// # Errors
/// [`DataError::Io`], [`DataError::EmptyFile`], and [`DataError::UnknownFormat`] where nothing
/// fits, or where a folder holds files of more than one format.
pub fn detect(path: &Path) -> Result<Format, DataError> {
    if is_folder(path)? { detect_folder(path) } else { detect_file(path) }
}

fn detect_folder(path: &Path) -> Result<Format, DataError> {
    let names = file_names(path)?;
    let fitting: Vec<Format> = Format::ALL
        .into_iter()
        .filter(|format| names.iter().any(|name| format.takes(name)))
        .collect();
    match fitting.as_slice() {
        [format] => Ok(*format),
        [] => Err(DataError::NoFiles {
            path: path.to_owned(),
            expected: Format::ALL.map(Format::files_expected).join(", or "),
        }),
        several => Err(DataError::UnknownFormat {
            path: path.to_owned(),
            found: format!(
                "files of several formats ({})",
                several.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ")
            ),
            expected: "a folder of one format".to_owned(),
        }),
    }
}

fn detect_file(path: &Path) -> Result<Format, DataError> {
    const PROBE: u64 = 4096;
    let mut head = Vec::new();
    let file = File::open(path).map_err(|source| io_error(path, source))?;
    file.take(PROBE).read_to_end(&mut head).map_err(|source| io_error(path, source))?;
    let text = strip_bom(&head).trim_ascii_start();
    match text.first() {
        None => Err(DataError::EmptyFile { path: path.to_owned(), expected: "outcomes" }),
        Some(b'[') => Ok(Format::RouterDc),
        Some(b'{') => Ok(Format::OutcomesJsonl),
        Some(_) if text.starts_with(b"prompt,") || text.starts_with(b"\"prompt\",") => {
            Ok(Format::RouteLlmMmlu)
        }
        Some(_) => {
            let first: String = String::from_utf8_lossy(text).chars().take(40).collect();
            Err(DataError::UnknownFormat {
                path: path.to_owned(),
                found: format!("a file that starts with {first:?}"),
                expected: "a JSON array (routerdc), one JSON object a line (outcomes-jsonl) or \
                           a CSV file whose first column is prompt (routellm-mmlu)"
                    .to_owned(),
            })
        }
    }
}

/// The files to read: the path itself, or the fitting files of the folder in name order.
pub(super) fn list(path: &Path, format: Format) -> Result<Vec<PathBuf>, DataError> {
    if !is_folder(path)? {
        return Ok(vec![path.to_owned()]);
    }
    let files: Vec<PathBuf> = file_names(path)?
        .into_iter()
        .filter(|name| format.takes(name))
        .map(|name| path.join(name))
        .collect();
    if files.is_empty() {
        return Err(DataError::NoFiles {
            path: path.to_owned(),
            expected: format.files_expected().to_owned(),
        });
    }
    Ok(files)
}

/// The whole file, with an error that names it.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    std::fs::read(path).map_err(|source| io_error(path, source))
}

pub(super) fn io_error(path: &Path, source: std::io::Error) -> DataError {
    DataError::Io { path: path.to_owned(), source }
}

/// The bytes after a UTF-8 byte order mark, which some editors write.
pub(super) fn strip_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

/// A file's name without folder and extension: the name of a set in formats that carry none.
pub(super) fn stem_of(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

fn is_folder(path: &Path) -> Result<bool, DataError> {
    std::fs::metadata(path).map(|data| data.is_dir()).map_err(|source| io_error(path, source))
}

fn file_names(folder: &Path) -> Result<Vec<String>, DataError> {
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
